/** Makes a card start Linux in HYP mode. */
import { planInstall, type InstallOptions } from '../setup/install.js';
import { accessFor, change, type Changed, type ChangeOptions, type ChangePorts } from './change.js';
import { withCard } from './open-card.js';

export interface InstallPorts extends ChangePorts {
  /** The revision code of the Pi that the card is in, where that is known. */
  readonly revision?: () => number | undefined;
  /** Where the running system calls install when its kernels change; undefined where nothing is to be written there. */
  readonly hooks?: {
    /** The files to write; throws where they cannot be. */
    readonly plan: () => readonly string[];
    /** @param diagnostics whether this install has them on */
    readonly write: (files: readonly string[], diagnostics: boolean) => void;
  };
}

/**
 * Plans, and unless it is a dry run makes, the changes.
 * @throws HypberryError what {@link planInstall}, the card and the hooks throw
 */
export async function install(
  ports: InstallPorts,
  { method, force, diagnostics, ...options }: Omit<InstallOptions, 'revision'> & ChangeOptions,
): Promise<Changed> {
  const hooks = ports.hooks?.plan() ?? [];
  return withCard(ports.openCard, accessFor(options), async (card) => {
    const plan = await planInstall(card, { method, force, diagnostics, revision: ports.revision?.() });
    const notes = hooks.map((file) => `${file} runs "hypberry install" when the system's kernels change.`);
    const changed = await change(card, { ...plan, notes: [...plan.notes, ...notes] }, ports, options);
    if (changed.written) ports.hooks?.write(hooks, plan.diagnostics);
    return changed;
  });
}
