/** Takes out what install put in. */
import { planUninstall } from '../setup/install.js';
import { accessFor, change, type Changed, type ChangeOptions, type ChangePorts } from './change.js';
import { withCard } from './open-card.js';

export interface UninstallPorts extends ChangePorts {
  /** The hooks of the running system, where the card is its own. */
  readonly hooks?: {
    readonly ours: () => readonly string[];
    /** Throws where one of them cannot be taken away. */
    readonly check: (files: readonly string[]) => void;
    readonly remove: (files: readonly string[]) => void;
  };
}

/**
 * Plans, and unless it is a dry run makes, the changes.
 * @throws HypberryError what {@link planUninstall}, the card and the hooks throw
 */
export async function uninstall(ports: UninstallPorts, options: ChangeOptions): Promise<Changed> {
  return withCard(ports.openCard, accessFor(options), async (card) => {
    const hooks = ports.hooks?.ours() ?? [];
    if (!options.dryRun) ports.hooks?.check(hooks);
    const plan = await planUninstall(card);
    const notes = hooks.map(
      (file) => `${file}, which runs "hypberry install" when the system's kernels change, goes too.`,
    );
    const changed = await change(card, { ...plan, notes: [...plan.notes, ...notes] }, ports, options);
    if (changed.written) ports.hooks?.remove(hooks);
    return changed;
  });
}
