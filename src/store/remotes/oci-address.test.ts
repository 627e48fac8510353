import { describe, expect, test } from 'vitest';
import { parseOciAddress } from './oci-address.ts';

describe('an address of a registry', () => {
  const good: Record<string, readonly [url: string, origin: string, registry: string, name: string]> = {
    'oci://ghcr.io/owner/data': ['oci://ghcr.io/owner/data', 'https://ghcr.io', 'ghcr.io', 'owner/data'],
    'OCI://GHCR.io/o/n': ['oci://ghcr.io/o/n', 'https://ghcr.io', 'ghcr.io', 'o/n'],
    'oci://registry.example:5000/a/b-c/d__e': [
      'oci://registry.example:5000/a/b-c/d__e',
      'https://registry.example:5000',
      'registry.example:5000',
      'a/b-c/d__e',
    ],
    'oci://registry.example:80/x': ['oci://registry.example:80/x', 'https://registry.example:80', 'registry.example:80', 'x'],
    'oci://127.0.0.1:5000/x': ['oci://127.0.0.1:5000/x', 'http://127.0.0.1:5000', '127.0.0.1:5000', 'x'],
    'oci://localhost/x': ['oci://localhost/x', 'http://localhost', 'localhost', 'x'],
    'oci://[::1]:5000/x': ['oci://[::1]:5000/x', 'http://[::1]:5000', '[::1]:5000', 'x'],
    'oci+http://registry.local:5000/x': ['oci+http://registry.local:5000/x', 'http://registry.local:5000', 'registry.local:5000', 'x'],
    // not of this machine, whatever it is called
    'oci://127.0.0.1.example/x': ['oci://127.0.0.1.example/x', 'https://127.0.0.1.example', '127.0.0.1.example', 'x'],
  };
  for (const [address, [url, origin, registry, name]] of Object.entries(good)) {
    test(`is read: ${address}`, () => {
      expect(parseOciAddress(address)).toEqual({ url, origin, registry, name, heard: url.startsWith('oci+http:') });
    });
  }

  const bad = ['oci://ghcr.io', 'oci://ghcr.io/', 'oci://ghcr.io/o/n:tag', 'oci://ghcr.io/o/n@sha256:1', 'oci://ghcr.io//n', 'oci://ghcr.io/o/n?x=1'];
  for (const address of [...bad, 'oci://ghcr.io/o%2fn', 'oci://ghcr.io/-o', 'oci://h:99999/x', `oci://h/${'a'.repeat(256)}`]) {
    test(`is refused: ${address.slice(0, 40)}`, () => {
      expect(() => parseOciAddress(address)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    });
  }

  test('with capitals in its name says how it is written; with a password does not repeat it', () => {
    expect(() => parseOciAddress('oci://ghcr.io/Owner/Data')).toThrow(expect.objectContaining({ mend: 'write it in lower case: owner/data' }));
    expect(() => parseOciAddress('oci://me:hunter2@ghcr.io/o/n')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    );
  });
});
