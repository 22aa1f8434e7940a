/** Who a core executes for, instruction by instruction: guests by their number, the host, and HYP mode itself. */
import type { CoreView } from '../../src/cpu/core-view.js';
import type { Machine } from '../../src/cpu/state.js';
import { executedInSlice } from '../../src/cpu/state.js';
import { bits, bitsOf } from '../../src/isa/bits.js';
import {
  EC_DATA_LOWER,
  VECTOR_CALL,
  VECTOR_DATA,
  VECTOR_HYP_TRAP,
  VECTOR_PREFETCH,
  VECTOR_UNDEFINED,
} from '../../src/cpu/exceptions.js';
import { MODE_HYP, MODE_MON } from '../../src/isa/program-status.js';
import * as reg from '../../src/isa/system-registers.js';
import type { Observe } from '../../src/engine/observer.js';
import { hex } from '../support/hex.js';

/** VTTBR.VMID. */
const VMID = 0xffn;
const VMID_SHIFT = BigInt(reg.VTTBR.bits.VMID[1]);
/** VMPIDR: the number of a CPU in its machine. */
const AFF0 = 0xff;
const HCR_VM = bits(reg.HCR, { VM: 1 });
/** HYP mode's vectors for faults of its own: Undefined, HVC, Prefetch and Data Abort (ARM ARM table B1-3). */
const OWN_FAULTS = [VECTOR_UNDEFINED, VECTOR_CALL, VECTOR_PREFETCH, VECTOR_DATA];
/** What a core executes for, where that is no machine. */
export const HYP = -1;
const BEFORE = -2;

/** One entry into HYP mode, and the instructions until it was left. */
export interface Visit {
  readonly core: number;
  readonly vector: number;
  /** HSR, and the address that HPFAR and HDFAR say: both worth nothing for interrupts. */
  readonly hsr: number;
  readonly address: number;
  /** Virtual time, in nanoseconds. */
  readonly time: number;
  /** Machine that was interrupted, and the one that goes on. */
  readonly from: number;
  to: number;
  instructions: number;
}

/** HSR.EC: why a trap came. */
export function classOf({ hsr }: Visit): number {
  return bitsOf(reg.HSR, 'EC', hsr);
}

/** HSR.WnR of a data abort. */
const WRITE = 1 << 6;

/** Whether a visit is a guest's load from an address that traps, or a store to it. */
export function isAccess(visit: Visit, address: number, write: boolean): boolean {
  return (
    visit.vector === VECTOR_HYP_TRAP &&
    classOf(visit) === EC_DATA_LOWER &&
    visit.address === address &&
    ((visit.hsr & WRITE) !== 0) === write
  );
}

/** What {@link watchWorlds} sees. */
export interface Worlds {
  readonly observe: Observe;
  /** Instructions of a core for a machine (0 is the host), for one of its CPUs, or for {@link HYP}. */
  readonly instructions: (core: number, machine: number, cpu?: number) => number;
  /** How often a core went from one machine to another. */
  readonly switches: (core: number) => number;
  /** What must not be: faults in HYP mode, entries into Secure state, UNPREDICTABLE instructions in HYP mode. */
  readonly wrong: readonly string[];
  /** All entries into HYP mode, where they were asked for. */
  readonly visits: readonly Visit[];
}

const keyOf = (machine: number, cpu: number): string => `${machine}.${cpu}`;
/**
 * Makes one to be given to a machine.
 * @param keepVisits whether to list every entry into HYP mode
 */
export function watchWorlds(keepVisits = false): Worlds {
  let machine: Machine | undefined;
  const executed = Array.from({ length: 4 }, () => new Map<string, number>());
  const cpu = [0, 0, 0, 0];
  const since = [0, 0, 0, 0];
  const who = [BEFORE, BEFORE, BEFORE, BEFORE];
  const last = [-3, -3, -3, -3];
  const switches = [0, 0, 0, 0];
  const open: (Visit | undefined)[] = [];
  const visits: Visit[] = [];
  const wrong: string[] = [];

  const account = ({ index, executed: before }: CoreView): void => {
    const count = before + executedInSlice(machine!);
    const key = keyOf(who[index]!, who[index] === HYP ? 0 : cpu[index]!);
    executed[index]!.set(key, (executed[index]!.get(key) ?? 0) + count - since[index]!);
    const visit = open[index];
    if (visit && who[index] === HYP) visit.instructions += count - since[index]!;
    since[index] = count;
  };
  const changed = (core: CoreView): void => {
    const { index, mode } = core;
    account(core);
    const hasStage2 = (core.system(reg.HCR) & HCR_VM) !== 0;
    if (mode === MODE_MON && hasStage2)
      wrong.push(`core ${index} went to Secure state from ${hex(core.register(15))}`);
    if (mode === MODE_HYP) {
      who[index] = HYP;
      return;
    }
    // Before a machine has its second stage, nobody is there but the boot code.
    who[index] = hasStage2 ? Number((core.system(reg.VTTBR) >> VMID_SHIFT) & VMID) : BEFORE;
    cpu[index] = core.system(reg.VMPIDR) & AFF0;
    if (who[index] === BEFORE) return;
    if (last[index] !== who[index]) {
      if (last[index]! >= 0) switches[index]!++;
      last[index] = who[index]!;
    }
    const visit = open[index];
    if (visit) visit.to = who[index]!;
    open[index] = undefined;
  };
  return {
    observe: ({ cpu: processor }) => {
      ({ machine } = processor);
      return {
        listener: {
          modeChanged: changed,
          exceptionTaken: (core, vector) => {
            if (core.mode !== MODE_HYP) return;
            const { index } = core;
            const hsr = core.system(reg.HSR);
            if (OWN_FAULTS.includes(vector))
              wrong.push(`core ${index} took vector ${hex(vector)} in HYP mode, HSR ${hex(hsr)}`);
            if (!keepVisits) return;
            const from = last[index]!;
            // HPFAR has the page from bit 4 on, HDFAR the place in it.
            const address =
              ((core.system(reg.HPFAR) >>> 4) * 0x1000 + (core.system(reg.HDFAR) & 0xfff)) >>> 0;
            const time = processor.now();
            const visit = { core: index, vector, hsr, address, time, from, to: from, instructions: 0 };
            open[index] = visit;
            visits.push(visit);
          },
          unpredictable: ({ core, address, word: instruction, name }) => {
            if (who[core] === HYP) wrong.push(`${name} (${hex(instruction)}) at ${hex(address)} in HYP mode`);
          },
        },
      };
    },
    instructions: (core, machine, of) => {
      let sum = 0;
      for (const [key, count] of executed[core]!)
        if (of === undefined ? key.startsWith(`${machine}.`) : key === keyOf(machine, of)) sum += count;
      return sum;
    },
    switches: (core) => switches[core]!,
    wrong,
    visits,
  };
}
