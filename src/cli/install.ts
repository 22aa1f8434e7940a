/** `hypberry install`: makes a card start Linux in HYP mode. */
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { hookScript, planHooks, writeHooks } from '../node/hook.js';
import { piOfBootFolder } from '../node/pi.js';
import type { Named } from '../setup/boot-partition.js';
import type { InstallOptions } from '../setup/install.js';
import { install as installOn } from '../usecases/install.js';
import { showChanges } from './changes.js';

export interface InstallCommandOptions extends Named {
  readonly method: InstallOptions['method'];
  readonly force?: boolean;
  readonly diagnostics?: boolean;
  readonly hook?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Plans, and unless it is a dry run makes, the changes; prints them. */
export async function install(target: string, options: InstallCommandOptions): Promise<void> {
  await showChanges(target, options, (ports) =>
    installOn(
      {
        ...ports,
        revision: () => piOfBootFolder(target)?.revision,
        ...(options.hook && {
          hooks: {
            plan: () => planHooks(target),
            write: (files) => {
              writeHooks(files, hookScript([process.execPath, ownFile()], hookArguments(target, options)));
            },
          },
        }),
      },
      options,
    ),
  );
}

/** The file that runs now, without links that another version may take over. */
const ownFile = (): string => realpathSync(process.argv[1]!);

/** What the hook is to run: this command with what was chosen, on the same folder from wherever. */
function hookArguments(target: string, { method, force }: InstallCommandOptions): string[] {
  return [
    'install',
    ...(method === 'auto' ? [] : ['--method', method]),
    ...(force ? ['--force'] : []),
    resolve(target),
  ];
}
