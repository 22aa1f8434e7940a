/** `hypberry uninstall`: takes out what install put in. */
import { checkRemovable, ourHooks, removeHooks } from '../node/hook.js';
import { piOfBootFolder } from '../node/pi.js';
import type { Named } from '../setup/boot-partition.js';
import { uninstall as uninstallFrom } from '../usecases/uninstall.js';
import { showChanges } from './changes.js';

export interface UninstallOptions extends Named {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Plans, and unless it is a dry run makes, the changes; prints them. */
export async function uninstall(target: string, options: UninstallOptions): Promise<void> {
  await showChanges(target, options, (ports) =>
    uninstallFrom(
      {
        ...ports,
        hooks: {
          // Those of the system that runs here are of its own boot folder.
          ours: () => (piOfBootFolder(target) === undefined ? [] : ourHooks()),
          check: checkRemovable,
          remove: removeHooks,
        },
      },
      options,
    ),
  );
}
