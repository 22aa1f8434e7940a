import type { CardReader } from '../../src/card/card.js';
import { readMedium } from '../../src/card/medium.js';
import { endAtCrash } from '../../src/engine/crash.js';
import { builtInEngine } from '../../src/engine/built-in.js';
import { watchHandover } from '../../src/engine/handover-watch.js';
import { HOST, runSystems, type SystemsVerdict } from '../../src/engine/systems.js';
import { recordTimeline } from '../../src/engine/timeline.js';
import { runTrial, type Verdict } from '../../src/engine/verdict.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { OWN_CONSOLE } from '../../src/hypervisor/image/description.js';
import { openBootPartition } from '../../src/setup/boot-partition.js';
import { findHypervisor } from '../../src/setup/hypervisor.js';
import { inspectCard } from '../../src/setup/inspect.js';
import { planInstall, planUninstall } from '../../src/setup/install.js';
import { applyPlan, cardAfter, checkPlan } from '../../src/setup/plan.js';
import { memoryDisk } from '../support/memory-disk.js';

/** What a walk over a card showed: plain data, the same wherever it is taken. */
export interface Walked {
  /** What `inspect` comes to, of the card as it was and after install. */
  readonly before: string;
  readonly after: string;
  readonly kernels: unknown;
  readonly verdict: string;
  /** What each console showed. */
  readonly consoles: Readonly<Record<string, string>>;
  /** Of the whole run: the bad points of the handover. */
  readonly handover: readonly string[];
  /** The files that install made or changed. */
  readonly changes: readonly string[];
  /** The files after install, and after uninstall: SHA-256 by name. */
  readonly installed: Readonly<Record<string, string>>;
  readonly uninstalled: Readonly<Record<string, string>>;
}

const TIMEOUT_SECONDS = 60;

/**
 * Looks at a card, tries it as it would be after install, installs, looks again, and uninstalls.
 * @param image a card or a FAT volume; it is changed
 */
export async function walk(image: Uint8Array): Promise<Walked> {
  const open = () => openBootPartition(readMedium(memoryDisk(image), 'image', 'card.img'), {}, true);
  const card = await open();
  const report = await inspectCard(card);
  const plan = await checkPlan(card, await planInstall(card, { method: 'auto', force: true }));
  const consoles: Record<string, string> = {};
  const verdict = await tryCard(cardAfter(card, plan), consoles);
  await applyPlan(card, plan, () => undefined);
  await card.close();
  const again = await open();
  const installed = await sums(again);
  const after = await inspectCard(again);
  await applyPlan(again, await checkPlan(again, await planUninstall(again)), () => undefined);
  const uninstalled = await sums(again);
  await again.close();
  return {
    before: report.conclusion,
    after: after.conclusion,
    kernels: (report.facts as { kernels: unknown }).kernels,
    verdict: verdict.verdict,
    consoles,
    handover: (verdict.machine?.handover ?? []).filter(({ ok }) => ok === false).map(({ point }) => point),
    changes: plan.changes.map(({ kind, path }) => `${kind} ${path}`),
    installed,
    uninstalled,
  };
}

/** Boots a card, as `hypberry try` does. */
async function tryCard(
  card: CardReader,
  consoles: Record<string, string>,
): Promise<Verdict | SystemsVerdict> {
  const machine = await prepareHandover(card);
  const engine = builtInEngine([recordTimeline, endAtCrash, watchHandover]);
  const take = (text: string, name: string): void => {
    consoles[name] = (consoles[name] ?? '') + text;
  };
  const found = await findHypervisor(card, machine.picked);
  if (!found)
    return runTrial(engine, machine, {
      timeoutSeconds: TIMEOUT_SECONDS,
      onConsole: (text) => {
        take(text, HOST);
      },
    });
  const guests = found.guests.map(({ name, cores }) => ({ name, cores: cores.length }));
  return runSystems(
    engine,
    { ...machine, consoles: found.consoles },
    {
      systems: [{ name: HOST, cores: found.hostCores }, ...guests],
      hypervisor: OWN_CONSOLE,
      timeoutSeconds: TIMEOUT_SECONDS,
      onConsole: take,
    },
  );
}

async function sums(card: CardReader): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { name } of await card.list('')) {
    const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(await card.read(name)));
    found[name] = new Uint8Array(digest).join(' ');
  }
  return found;
}
