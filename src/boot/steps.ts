/**
 * What block and hypervisor say on the serial port where diagnostics are installed: a letter a step, and words. The README's
 * tables are made from these (`npm run readme`).
 */

/** A step that has been done when its letter is there. */
export interface Step {
  readonly letter: string;
  /** The core that says it. */
  readonly core: 'each' | '0';
  readonly done: string;
}

/** The block's, in their order. */
export const BLOCK_STEPS = {
  runs: { letter: 'a', core: 'each', done: 'the core runs the block' },
  svc: { letter: 'b', core: 'each', done: 'the block stands at address 0, and the core is in SVC mode' },
  secure: {
    letter: 'c',
    core: 'each',
    done: 'the core is in Secure state, from which HYP mode can be reached',
  },
  coherent: { letter: 'd', core: 'each', done: 'the core has joined coherency (ACTLR.SMP)' },
  monitor: { letter: 'e', core: 'each', done: 'the core is in Monitor mode' },
  secureSet: {
    letter: 'f',
    core: 'each',
    done: "Secure state's registers are set: NSACR, CNTFRQ, SCR; its timer is off",
  },
  nonSecureSet: {
    letter: 'g',
    core: 'each',
    done: "Non-secure state's and HYP mode's registers are set; their timers are off",
  },
  counter: { letter: 'h', core: '0', done: 'the local controller is told to count at 19.2 MHz' },
  hyp: { letter: 'i', core: 'each', done: 'the core is in HYP mode; cores 1 to 3 wait for the kernel there' },
  counts: { letter: 'j', core: '0', done: 'the counter counts' },
  tree: { letter: 'k', core: '0', done: 'a device tree or ATAGS are where the kernel is told' },
  kernel: { letter: 'l', core: '0', done: 'the kernel is entered: behind this line it is on its own' },
} as const satisfies Readonly<Record<string, Step>>;

/** The hypervisor's. */
export const HYPERVISOR_STEPS = {
  runs: { letter: 'A', core: '0', done: "the hypervisor's file is entered as a kernel, in HYP mode" },
  split: { letter: 'B', core: '0', done: 'the memory ends where install found its end, or behind' },
  copied: {
    letter: 'C',
    core: '0',
    done: "the hypervisor and the copies of the guests' files are in their places at the top of memory",
  },
  entered: { letter: 'D', core: 'each', done: "the core runs the hypervisor's own code" },
  cleared: {
    letter: 'E',
    core: '0',
    done: 'the level 2 cache is invalidated, the memory of the hypervisor cleared',
  },
  moved: {
    letter: 'F',
    core: '0',
    done: "HYP mode's map is made; the host's kernel, tree and initramfs are where they would be without a hypervisor",
  },
  ready: {
    letter: 'G',
    core: 'each',
    done: "HYP mode's registers are set, the level 1 cache and the TLB invalidated",
  },
  mapped: { letter: 'H', core: 'each', done: 'MMU and caches are on' },
  made: {
    letter: 'I',
    core: '0',
    done: "the machines are made and the cores have come: the host's kernel is entered",
  },
} as const satisfies Readonly<Record<string, Step>>;

/** Words that say that something is not as it should be, and what the README has beside them. */
interface Saying {
  readonly text: string;
  readonly means: string;
}

export const SAYINGS = {
  moved: {
    text: '<-- not at address 0',
    means:
      'the firmware passed `kernel_old=1` over, and started the file as a kernel: the line has gone from config.txt, or this firmware does not know it',
  },
  hyp: {
    text: '<-- in HYP mode already',
    means: 'other code ran before the block: another stub, or another boot loader',
  },
  mode: { text: '<-- not in SVC mode, CPSR ', means: 'the same' },
  nonSecure: { text: '<-- not in Secure state', means: 'the same: HYP mode cannot be reached from there' },
  absent: {
    text: ' does not come',
    means:
      'behind a number: that core has not run the block, or stopped in it, and is not waited for. The Pi starts without it',
  },
  silent: {
    text: 'core 0 is silent',
    means: 'a core that waited 20 seconds for core 0 goes on by itself; no kernel will start',
  },
  still: {
    text: ' <-- the counter stands still',
    means: 'the kernel will wait for ever for its first delay to pass',
  },
  noTree: {
    text: ' <-- neither a device tree nor ATAGS',
    means:
      'the kernel will stop without a word: `device_tree_address`, `device_tree` or the firmware are to be looked at',
  },
  notHyp: {
    text: '<-- not in HYP mode, CPSR ',
    means: "the hypervisor's file was started without the block in front",
  },
  exception: {
    text: ' <-- exception: ',
    means:
      'which one, the core, the address of the instruction, what SPSR held (the mode in its last five bits), and of exceptions to HYP mode HSR, the reason. A fault of hypberry or of the board: report it. The core stays there, the others go on',
  },
} as const satisfies Readonly<Record<string, Saying>>;

/** Exceptions by their place in the vector table; the one for reset is no exception (ARM ARM table B1-3). */
export const EXCEPTIONS = {
  1: 'Undefined Instruction',
  2: 'Call',
  3: 'Prefetch Abort',
  4: 'Data Abort',
  5: 'HYP trap',
  6: 'IRQ',
  7: 'FIQ',
} as const;

/** What each of the two says first. */
export const BLOCK_BEGINS = 'hypberry: boot block (the letters: README, Diagnostics)';
export const HYPERVISOR_BEGINS = 'hypberry: hypervisor';

/** A core's number, and the letters of what it did; or that it does not come. */
const STEP_LINE = /^[0-3] (?:[a-lA-I]+(?: (?!<--).*)?|does not come)$/;

/**
 * A console's text without what diagnostics say of steps: what is left are the words of what was started, and of failures.
 */
export function withoutSteps(text: string): string {
  return text
    .split(/\r?\n/)
    .filter((line) => line !== BLOCK_BEGINS && line !== HYPERVISOR_BEGINS && !STEP_LINE.test(line))
    .join('\n');
}
