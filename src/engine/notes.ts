import type { Unpredictable } from '../cpu/state.js';
import type { UnpredictableSeen } from './machine-report.js';
import type { Observe } from './observer.js';
import { disassemblyAt } from './trace.js';

/** At most so many different sentences about system registers are kept; there are fewer. */
const INERT_LIMIT = 100;
/** At most so many different UNPREDICTABLE instructions are kept. */
const UNPREDICTABLE_LIMIT = 100;

/** Keeps what a guest did that nobody can rely on: UNPREDICTABLE instructions, and what is not modelled. */
export const noteOddities: Observe = (pi) => {
  const unpredictable = new Map<string, UnpredictableSeen>();
  const unmodelled: string[] = [];
  const inert = new Set<string>();
  return {
    listener: {
      unpredictable: ({ core, address, word }: Unpredictable) => {
        const key = `${address} ${word}`;
        if (unpredictable.size >= UNPREDICTABLE_LIMIT || unpredictable.has(key)) return;
        const disassembly = disassemblyAt(pi.cpu.cores[core]!, address, word);
        unpredictable.set(key, { core, address, word, disassembly });
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
    report: () => ({ unpredictable: [...unpredictable.values()], unmodelled }),
  };
};
