/** `hypberry install`: makes a card start Linux in HYP mode. */
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { checkRemovable, hookScript, ourHooks, planHooks, setDiagnostics, writeHooks } from '../node/hook.js';
import { piOfBootFolder } from '../node/pi.js';
import type { Named } from '../setup/boot-partition.js';
import type { InstallOptions } from '../setup/install.js';
import { install as installOn, type InstallPorts } from '../usecases/install.js';
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
        hooks: options.hook ? newHooks(target, options) : hooksThere(target, options),
      },
      options,
    ),
  );
}

type Hooks = NonNullable<InstallPorts['hooks']>;

const newHooks = (target: string, options: InstallCommandOptions): Hooks => ({
  plan: () => planHooks(target),
  write(files, diagnostics) {
    writeHooks(files, hookScript([process.execPath, ownFile()], hookArguments(target, options, diagnostics)));
  },
});

/** Those of an earlier install, which are to hear of diagnostics that are asked for or ended now. */
const hooksThere = (target: string, { diagnostics }: InstallCommandOptions): Hooks => ({
  plan() {
    if (diagnostics === undefined || piOfBootFolder(target) === undefined) return [];
    const files = ourHooks();
    checkRemovable(files);
    return files;
  },
  write: setDiagnostics,
});

/** The file that runs now, without links that another version may take over. */
const ownFile = (): string => realpathSync(process.argv[1]!);

/** What the hook is to run: this command with what was chosen, on the same folder from wherever. */
function hookArguments(
  target: string,
  { method, force }: InstallCommandOptions,
  diagnostics: boolean,
): string[] {
  return [
    'install',
    ...(diagnostics ? ['--diagnostics'] : []),
    ...(method === 'auto' ? [] : ['--method', method]),
    ...(force ? ['--force'] : []),
    resolve(target),
  ];
}
