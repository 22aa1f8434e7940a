import { hex } from '../base/words.js';
import type { Unpredictable } from '../cpu/state.js';
import type { UnpredictableSeen } from './machine-report.js';
import type { Observe } from './observer.js';
import { disassemblyAt } from './trace.js';

/** At most so many different sentences about system registers are kept; there are fewer. */
const INERT_LIMIT = 100;
/** At most so many different UNPREDICTABLE instructions are kept. */
const UNPREDICTABLE_LIMIT = 100;

/** Why exclusives need not work on a board: DDI 0464 4.3 on ACTLR.SMP; DDI 0406C A3.4.5. */
const BY_CHANCE = {
  SMP: 'and ACTLR.SMP is 0 there: on a board its locks keep no other core out',
  memory: 'to memory that is not Write-Back and Shareable: on a board they may fail or abort',
} as const;

/** Keeps what a guest did that nobody can rely on: UNPREDICTABLE instructions, and what is not modelled. */
export const noteOddities: Observe = (pi) => {
  const unpredictable = new Map<string, UnpredictableSeen>();
  const unmodelled: string[] = [];
  const inert = new Set<string>();
  const byChance = new Map<keyof typeof BY_CHANCE, string>();
  return {
    listener: {
      unpredictable: ({ core, address, word }: Unpredictable) => {
        const key = `${address} ${word}`;
        if (unpredictable.size >= UNPREDICTABLE_LIMIT || unpredictable.has(key)) return;
        const disassembly = disassemblyAt(pi.cpu.cores[core]!, address, word);
        unpredictable.set(key, { core, address, word, disassembly });
      },
      exclusiveByChance: (core, address, why) => {
        if (byChance.has(why)) return;
        byChance.set(why, `core ${core} at ${hex(address)} executes exclusives, ${BY_CHANCE[why]}`);
      },
      withoutEffect: (sentence) => {
        if (inert.size >= INERT_LIMIT || inert.has(sentence)) return;
        inert.add(sentence);
        unmodelled.push(sentence);
      },
    },
    // The bus bounds them.
    unmodelled: (sentence) => {
      unmodelled.push(sentence);
    },
    report: () => ({
      unpredictable: [...unpredictable.values()],
      byChance: [...byChance.values()],
      unmodelled,
    }),
  };
};
