// The page for a sitting: its server lives as long as the sitting.
import { servePage } from '../review/web/server.ts';
import type { Annotator, ReviewRole } from '../review/schema.ts';
import type { Sitting } from '../review/sitting.ts';
import type { Cli } from './command.ts';
import type { ReviewWorld } from './review-world.ts';

export async function sitOnPage(
  sitting: Sitting,
  { world, me, role }: { readonly world: ReviewWorld; readonly me: Annotator; readonly role: ReviewRole },
  cli: Cli,
): Promise<void> {
  const server = await servePage(sitting, { data: world.data, who: me, role, port: 0 });
  const stopped = new Promise<void>((resolve) => cli.signal.addEventListener('abort', () => resolve(), { once: true }));
  try {
    // with --json, too: nobody could open it otherwise
    cli.note(`open ${server.url}\n  ${cli.paint.dim('only this machine can, and only by this address; q on the page, or ctrl-C here, ends it')}`);
    await Promise.race([server.ended, stopped]);
  } finally {
    await server.close();
  }
}
