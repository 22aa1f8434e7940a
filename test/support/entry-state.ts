import { CORES } from '../../src/board/bcm2836.js';
import { LOCAL_BASE, LOCAL_MAILBOX3_SET, LOCAL_MAILBOX_STRIDE } from '../../src/board/local-peripherals.js';
import type { Handover } from '../../src/firmware/handover.js';
import { withDebuggedMachine } from './debugged-machine.js';
import type { Gdb } from './gdb.js';
import { handoverOf, words } from './handover.js';

/**
 * System registers by their ARM ARM names, and the names that QEMU's debugger stub has for them. `_S` is the
 * Secure copy of a banked register; the plain name is then the Non-secure one.
 *
 * ACTLR is not among them: QEMU's Cortex-A7 keeps no bit of it and reads as 0. What was written to it is seen by
 * {@link traceBoot}.
 */
const systemRegisters = {
  SCR: ['SCR'],
  NSACR: ['NSACR'],
  SCTLR: ['SCTLR'],
  SCTLR_S: ['SCTLR_S'],
  CPACR: ['CPACR'],
  TTBCR: ['TTBCR'],
  MVBAR: ['MVBAR'],
  HSCTLR: ['SCTLR_EL2', 'HSCTLR'],
  HCR: ['HCR', 'HCR_EL2'],
  HDCR: ['MDCR_EL2', 'HDCR'],
  HCPTR: ['CPTR_EL2', 'HCPTR'],
  HSTR: ['HSTR_EL2', 'HSTR'],
  HVBAR: ['VBAR_EL2', 'HVBAR'],
  HTTBR: ['HTTBR'],
  HTCR: ['TCR_EL2', 'HTCR'],
  HMAIR0: ['MAIR_EL2', 'HMAIR0'],
  HMAIR1: ['HMAIR1'],
  HTPIDR: ['TPIDR_EL2', 'HTPIDR'],
  VTTBR: ['VTTBR'],
  VTCR: ['VTCR'],
  VPIDR: ['VPIDR'],
  VMPIDR: ['VMPIDR'],
  CNTFRQ: ['CNTFRQ'],
  CNTVOFF: ['CNTVOFF', 'CNTVOFF_EL2'],
  CNTHCTL: ['CNTHCTL_EL2', 'CNTHCTL'],
  CNTP_CTL: ['CNTP_CTL'],
  CNTP_CTL_S: ['CNTP_CTL_S'],
  CNTV_CTL: ['CNTV_CTL'],
  CNTHP_CTL: ['CNTHP_CTL_EL2', 'CNTHP_CTL'],
} as const;

/** The ARM ARM name of a system register that is read at kernel entry. */
export type SystemRegister = keyof typeof systemRegisters;

/** What a core holds when the kernel gets it. */
export interface CoreState {
  readonly core: number;
  readonly pc: number;
  readonly r0: number;
  readonly r1: number;
  readonly r2: number;
  readonly cpsr: number;
  /** CPSR's mode field, bits 4 to 0. */
  readonly mode: number;
  /** CPSR's masks: asynchronous aborts, IRQ, FIQ. */
  readonly masks: { readonly A: boolean; readonly I: boolean; readonly F: boolean };
  /** SCR.NS: the core is in Non-secure state, if not in Monitor mode. */
  readonly isNonSecure: boolean;
  readonly system: Readonly<Record<SystemRegister, bigint>>;
}

const SCR_NS = 1n;

async function readCore(gdb: Gdb, core: number): Promise<CoreState> {
  const read = async (name: string) => Number(await gdb.readRegister(core, name));
  const cpsr = await read('cpsr');
  const system: Partial<Record<SystemRegister, bigint>> = {};
  for (const [name, names] of Object.entries(systemRegisters)) {
    system[name as SystemRegister] = await gdb.readRegister(core, ...names);
  }
  const all = system as Record<SystemRegister, bigint>;
  return {
    core,
    pc: await read('pc'),
    r0: await read('r0'),
    r1: await read('r1'),
    r2: await read('r2'),
    cpsr,
    mode: cpsr & 0x1f,
    masks: { A: (cpsr & 0x100) !== 0, I: (cpsr & 0x80) !== 0, F: (cpsr & 0x40) !== 0 },
    isNonSecure: (all.SCR & SCR_NS) !== 0n,
    system: all,
  };
}

/** Where the released cores stay, seen from the kernel entry; behind the code that releases them. */
const PARK_OFFSET = 0x40;

/** Code for core 0: writes `park` to the mailboxes 3 of the other cores, as a kernel does, and stays. */
function releaseCode(park: number): Uint8Array {
  const [mailbox1, stride] = [LOCAL_BASE + LOCAL_MAILBOX3_SET + LOCAL_MAILBOX_STRIDE, LOCAL_MAILBOX_STRIDE];
  return words(
    0xe59f_101c, // +00 ldr r1, [pc, #28]    ; +24: core 1's mailbox
    0xe59f_201c, // +04 ldr r2, [pc, #28]    ; +28: park
    0xe3a0_3003, // +08 mov r3, #3
    0xe481_2000 | stride, // +0c str r2, [r1], #stride
    0xe253_3001, // +10 subs r3, r3, #1
    0x1aff_fffc, // +14 bne +0c
    0xf57f_f04f, // +18 dsb sy
    0xe320_f004, // +1c sev
    0xeaff_fffe, // +20 b +20
    mailbox1, // +24
    park, // +28
  );
}

/** A core that comes here stays, and changes nothing. */
const parkCode = words(
  0xe320_f002, // wfe
  0xeaff_fffd, // b back to it
);

/** How often the other cores are looked for at their parking place, 20 ms apart. */
const RELEASE_TRIES = 50;

/**
 * The state of all four cores as the kernel gets them: core 0 when it is about to execute the instruction at
 * `entry`, the others where the address that was written to their mailbox sends them.
 *
 * The kernel itself does not run: what stands at `entry` is written over, once core 0 is there, with code that
 * releases the others.
 * @throws Error where a core does not get there
 */
export async function stateAtEntry(machine: Handover, entry: number): Promise<CoreState[]> {
  return withDebuggedMachine(machine, async (gdb) => {
    await gdb.setBreakpoint(entry);
    const core = await gdb.run();
    if (core !== 0) throw new Error(`core ${core} came to the kernel's entry first`);
    const states = [await readCore(gdb, 0)];
    await gdb.clearBreakpoint(entry);

    const park = entry + PARK_OFFSET;
    await gdb.writeMemory(entry, releaseCode(park));
    await gdb.writeMemory(park, parkCode);
    const waiting = new Set(Array.from({ length: CORES - 1 }, (_, index) => index + 1));
    for (let tries = 0; waiting.size > 0; tries++) {
      if (tries === RELEASE_TRIES)
        throw new Error(`cores ${[...waiting].join(', ')} did not come to the kernel`);
      await gdb.runFor(20);
      for (const other of waiting) {
        const pc = Number(await gdb.readRegister(other, 'pc'));
        if (pc >= park && pc < park + parkCode.length) waiting.delete(other);
      }
    }
    for (let other = 1; other < CORES; other++) states.push(await readCore(gdb, other));
    return states;
  });
}

/** One executed instruction. */
export interface Step {
  readonly address: number;
  /** The instruction: an A32 word, a T32 halfword, or two T32 halfwords with the first one on top. */
  readonly word: number;
  /** For MCR, the value written to the coprocessor; for MCRR, the second word above the first. */
  readonly written?: bigint;
}

/** More instructions than any boot code executes. */
const TRACE_LIMIT = 2000;

const CPSR_T = 0x20n;

/** A T32 instruction has two halfwords when the first one's top five bits are 11101 or above (ARM ARM A6.1). */
function instructionAt(bytes: Uint8Array, isThumb: boolean): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (!isThumb) return view.getUint32(0, true);
  const first = view.getUint16(0, true);
  return first >>> 11 >= 0b11101 ? ((first << 16) | view.getUint16(2, true)) >>> 0 : first;
}

/**
 * WFE, A32 encoding A1 and T32 encodings T1 and T2 of ARM ARM A8.8.424. With a condition it counts as executed, as
 * boot code has it where nothing is in the mailbox.
 */
const isWfe = (word: number) =>
  ((word & 0x0fff_ffff) === 0x0320_f002 && word >>> 28 !== 0xf) || word === 0xbf20 || word === 0xf3af_8002;
/** MCR, encodings A1 and T1 of ARM ARM A8.8.98, alike below bit 28: 1110 in 27 to 24, bit 20 is 0, bit 4 is 1. */
const isMcr = (word: number) => (word & 0x0f10_0010) === 0x0e00_0010;
/** MCRR, encodings A1 and T1 of ARM ARM A8.8.99, alike below bit 28: 11000100 in bits 27 to 20. */
const isMcrr = (word: number) => (word & 0x0ff0_0000) === 0x0c40_0000;

/**
 * Executes one core's instructions from reset one by one, the other cores standing still.
 * @param image what stands at address 0; a boot block, say
 * @param entry where the kernel would start; the trace ends before the instruction there
 * @returns the instructions up to `entry`, or up to the first WFE and with it
 * @throws Error where neither is reached
 */
export async function traceBoot(image: Uint8Array, entry: number, core = 0): Promise<Step[]> {
  return withDebuggedMachine(handoverOf([0, image]), async (gdb) => {
    const steps: Step[] = [];
    while (steps.length < TRACE_LIMIT) {
      const address = Number(await gdb.readRegister(core, 'pc'));
      if (address === entry) return steps;
      const isThumb = ((await gdb.readRegister(core, 'cpsr')) & CPSR_T) !== 0n;
      const word = instructionAt(await gdb.readMemory(address, 4, core), isThumb);
      const register = (shift: number) => gdb.readRegister(core, `r${(word >>> shift) & 0xf}`);
      const written = isMcr(word)
        ? await register(12)
        : isMcrr(word)
          ? ((await register(16)) << 32n) | (await register(12))
          : undefined;
      steps.push({ address, word, ...(written !== undefined && { written }) });
      if (isWfe(word)) return steps;
      await gdb.step(core);
    }
    throw new Error(`core ${core} came neither to 0x${entry.toString(16)} nor to a WFE`);
  });
}

/** Instructions that core 0 executes from reset to kernel entry. */
export async function countInstructions(image: Uint8Array, entry: number): Promise<number> {
  return (await traceBoot(image, entry)).length;
}
