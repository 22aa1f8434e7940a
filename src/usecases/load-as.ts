/** What a card would start, read for a run of it: as it is, or as it would be after install. */
import type { CardReader, Place } from '../card/card.js';
import { remember } from '../card/remember.js';
import { HOST } from '../engine/systems.js';
import { loadCard, type Loaded } from '../firmware/load.js';
import type { HypervisorDescription } from '../hypervisor/image/description.js';
import { refuseProblem } from '../setup/boot-partition.js';
import { hypervisorIn } from '../setup/hypervisor.js';
import { planInstall, type InstallOptions } from '../setup/install.js';
import type { Plan } from '../setup/plan.js';

/** As what a card is run. */
export interface RunAs {
  /** As the card is now; otherwise as it would be after install with `method`, `force` and `diagnostics`. */
  readonly asIs?: boolean | undefined;
  readonly method: InstallOptions['method'];
  readonly force?: boolean | undefined;
  readonly diagnostics?: boolean | undefined;
}

/** A card read for a run. */
export interface LoadedAs {
  readonly place: Place | undefined;
  /** What install would do first; undefined where the card is run as it is. */
  readonly plan: Plan | undefined;
  readonly loaded: Loaded;
  readonly hypervisor: HypervisorDescription | undefined;
  /** Names of the consoles, the host's first. */
  readonly consoles: readonly string[];
}

/**
 * Reads all that a card's run takes.
 * @throws HypberryError the problem of the card's place, what {@link planInstall} and {@link loadCard} throw
 */
export async function loadAs(
  card: CardReader,
  { asIs, method, force, diagnostics }: RunAs,
): Promise<LoadedAs> {
  refuseProblem(card);
  const plan = asIs ? undefined : await planInstall(card, { method, force, diagnostics });
  const loaded = plan ? plan.starts : await loadCard(remember(card));
  const hypervisor = hypervisorIn(loaded.kernel.data);
  const consoles = [HOST, ...(hypervisor?.consoles.map(({ name }) => name) ?? [])];
  return { place: card.place, plan, loaded, hypervisor, consoles };
}
