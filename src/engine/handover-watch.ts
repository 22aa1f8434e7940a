import type { CoreView } from '../cpu/core-view.js';
import * as R from '../isa/system-registers.js';
import { readU32BE } from '../base/bytes.js';
import { CORES } from '../board/bcm2836.js';
import {
  LOCAL_CONTROL,
  LOCAL_MAILBOX3_CLR,
  LOCAL_MAILBOX_STRIDE,
  LOCAL_PRESCALER,
} from '../board/local-peripherals.js';
import type { Board } from '../board/pi2.js';
import { isFdt } from '../firmware/fdt.js';
import { hasZImageMagic } from '../firmware/kernel.js';
import { kernelExtent, unpackedExtent } from '../firmware/extents.js';
import {
  checkHandover,
  type CoreAtEntry,
  type HandoverSeen,
  type Strayed,
  type TimerSource,
} from './handover-check.js';
import type { Observe } from './observer.js';

/** The mailbox by which kernels release a core. */
const RELEASE_MAILBOX = 3;
/** Most of a tree that is kept; kernels map no more of one. */
const TREE_LIMIT = 2 << 20;
/** Bytes kept of what is no tree. */
const HEAD_SIZE = 64;
const TREE_SIZE_AT = 4;

/** A copy of what an address points at. */
function bytesAt(ram: Uint8Array, address: number): Uint8Array {
  const there = ram.subarray(address);
  const size = isFdt(there) && there.length >= TREE_SIZE_AT + 4 ? readU32BE(there, TREE_SIZE_AT) : HEAD_SIZE;
  return there.slice(0, Math.min(size, TREE_LIMIT));
}

/** The registers of a core that comes to `pc`. */
function coreAtEntry(core: CoreView, board: Board, pc: number, releasedTo: number | undefined): CoreAtEntry {
  return {
    core: core.index,
    pc,
    r0: core.register(0),
    r1: core.register(1),
    r2: core.register(2),
    CPSR: core.CPSR,
    SCR: core.system(R.SCR),
    SCTLR: core.system(R.SCTLR, 'non-secure'),
    secureSCTLR: core.system(R.SCTLR, 'secure'),
    HSCTLR: core.system(R.HSCTLR),
    ACTLR: core.system(R.ACTLR),
    NSACR: core.system(R.NSACR),
    HCPTR: core.system(R.HCPTR),
    CNTFRQ: core.system(R.CNTFRQ),
    CNTVOFF: core.system(R.CNTVOFF),
    VTTBR: core.system(R.VTTBR),
    timers: {
      secure: core.system(R.CNTP_CTL, 'secure'),
      physical: core.system(R.CNTP_CTL, 'non-secure'),
      virtual: core.system(R.CNTV_CTL),
      hyp: core.system(R.CNTHP_CTL),
    },
    mailbox3: board.local.read(LOCAL_MAILBOX3_CLR + core.index * LOCAL_MAILBOX_STRIDE),
    releasedTo,
  };
}

/**
 * Looks on from the first instruction on until all cores have come to the kernel, and reports the points. It costs
 * nothing after that, and before it next to nothing: it sees only the instructions at which cores come to the kernel.
 */
export const watchHandover: Observe = ({ cpu, board }, { picked, consoles }) => {
  const { memory } = cpu;
  const kernel = kernelExtent(memory.observe(), picked.kernel);
  const image = memory.observe(kernel.start, kernel.end - kernel.start);
  const unpacked = hasZImageMagic(image) ? unpackedExtent(image) : undefined;
  const came = new Map<number, CoreAtEntry>();
  const releasedTo = new Map<number, number>();
  const strayed = new Map<number, Strayed>();
  /** Where cores come to the kernel. */
  const entries = new Set([kernel.start]);
  let atR2: Uint8Array = new Uint8Array(0);
  let atR2Later: Uint8Array | undefined;
  let timerSource: TimerSource | undefined;

  /** Where a core comes to the kernel, as far as is known: before it is released only by mistake. */
  const expectedAt = (core: number): number => ((releasedTo.get(core) ?? kernel.start) & ~1) >>> 0;
  const isComplete = (): boolean => came.size === CORES;
  const treeNow = (): Uint8Array => {
    const r2 = came.get(0)?.r2 ?? 0;
    return memory.observe(r2, atR2.length).slice();
  };

  board.local.mailboxSet = (core, mailbox, value) => {
    if (mailbox !== RELEASE_MAILBOX || !came.has(0) || came.has(core) || value === 0) return;
    atR2Later ??= treeNow();
    releasedTo.set(core, value);
    // What was decoded there before knows nothing of us.
    const address = expectedAt(core);
    entries.add(address);
    if (address < memory.size) cpu.decodeAnew(address);
  };

  return {
    watch: {
      wants: (physical) => !isComplete() && entries.has(physical),
      instruction: (core, address, physical) => {
        const { index } = core;
        // To its first instruction another core comes only by mistake, whether released or not.
        if (came.has(index) || (physical !== expectedAt(index) && physical !== kernel.start)) return false;
        const seen = coreAtEntry(core, board, address, releasedTo.get(index));
        came.set(index, seen);
        if (index === 0) {
          atR2 = bytesAt(memory.observe(), seen.r2);
          const [control, prescaler] = [LOCAL_CONTROL, LOCAL_PRESCALER].map((it) => board.local.read(it));
          timerSource = { control: control!, prescaler: prescaler! >>> 0 };
        }
        return false;
      },
    },
    look() {
      if (isComplete() || !came.has(0)) return;
      for (const core of cpu.cores) {
        if (came.has(core.index) || strayed.has(core.index)) continue;
        const at = core.register(15);
        const isHere = at >= kernel.start && at < kernel.end;
        // One that is released comes there with its next instruction, or is a stray by the next look.
        if (!isHere || at === expectedAt(core.index)) continue;
        strayed.set(core.index, { core: core.index, at, releasedTo: releasedTo.get(core.index) });
      }
    },
    report: () => {
      const seen: HandoverSeen = {
        cores: [...came.values()].sort((a, b) => a.core - b.core),
        strayed: [...strayed.values()],
        timerSource,
        released: [...releasedTo.keys()],
        atR2,
        // A hypervisor takes its tree out of the way before anything else.
        atR2Later: consoles ? atR2 : (atR2Later ?? treeNow()),
        kernel,
        unpacked,
      };
      return { handover: checkHandover(seen) };
    },
  };
};
