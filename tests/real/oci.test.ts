// The remote in an OCI registry, against distribution (the reference implementation): without logins, with a password, with tokens of a service.
import { remoteContract } from '../../src/store/remotes/remote.contract.ts';
import { openOciRemote } from '../../src/store/remotes/oci.ts';
import { registryLogin, startRegistry } from './servers/servers.ts';

const login = { PLUMB_REGISTRY_USER: registryLogin.user, PLUMB_REGISTRY_PASSWORD: registryLogin.password };

for (const auth of ['none', 'basic'] as const) {
  remoteContract(`distribution, auth ${auth}`, async () => {
    const server = await startRegistry({ auth });
    const remote = openOciRemote(`oci://127.0.0.1:${server.port}/team/data`, { env: auth === 'none' ? {} : login, home: server.folder });
    return { remote, exactFirst: false, close: () => server.stop() };
  });
}
