/** The processor's breakpoints and watchpoints as Linux gives them to its programs: PTRACE_SETHBPREGS. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { bootFiles } from '../../scripts/lib/card-image.js';
import { busyboxArchive, PROGRAM } from '../../scripts/lib/initramfs.js';
import { inputs } from '../../scripts/lib/inputs.js';
import { assembler } from '../../src/isa/assembler.js';
import { bits } from '../../src/isa/bits.js';
import { DBGBCR, DBGWCR } from '../../src/isa/debug-points.js';
import { ascii } from '../../src/base/bytes.js';
import { lr, r0, r1, r2, r3, r4, r6, r7, type Register } from '../../src/isa/registers.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { memoryCard } from '../support/memory-card.js';
import { staticElf } from '../support/static-elf.js';
import { runToEnd } from './debian-machine.js';
import { BOOT_SECONDS, forBoots, quick } from './real-card.js';

const LOAD = 0x10000;
/** What its lines begin with. */
const PREFIX = 'word ';
/** What the child writes, what the parent reads into, and its line for the console. */
const [DATA, BUFFER, LINE] = [LOAD + 0x800, LOAD + 0x900, LOAD + 0xb00];
const [FIRST, SECOND] = [0x1111, 0x2222];
const EXIT = 7;

// Linux, arch/arm: tools/syscall.tbl, include/uapi/asm/ptrace.h; include/uapi/linux/ptrace.h.
const SYS = { exit: 1, fork: 2, write: 4, getpid: 20, ptrace: 26, kill: 37, wait4: 114 } as const;
const PTRACE = {
  TRACEME: 0,
  PEEKDATA: 2,
  CONT: 7,
  GETREGS: 12,
  GETHBPREGS: 29,
  SETHBPREGS: 30,
  GETSIGINFO: 0x4202,
} as const;
const [SIGTRAP, SIGSTOP] = [5, 19];
/** siginfo's code for a breakpoint or watchpoint of the processor. */
const TRAP_HWBKPT = 4;
/** Registers of GETHBPREGS: 2n + 1 the address and 2n + 2 the control of breakpoint n, negative those of watchpoint n. */
const [BREAK_ADDRESS, BREAK_CONTROL, WATCH_ADDRESS, WATCH_CONTROL] = [1, 2, -1, -2];
const breakControl = bits(DBGBCR, { E: 1, PMC: 3, BAS: 0b1111 });
const watchControl = bits(DBGWCR, { E: 1, PAC: 3, LSC: 2, BAS: 0b1111 });

/** Places in the program: the child's second store's address is what the first one's breakpoint is told by. */
interface Places {
  readonly second: number;
}

/**
 * The program: a child that stores twice, and a parent that breaks at the second store, then watches what it writes.
 * What the parent says are words in hexadecimal, a line each.
 * @returns its image for LOAD, and where the second store is; `places` is what the parent is told of it
 */
function program(places: Places): Places & { image: Uint8Array } {
  const a = assembler(LOAD);
  const [child, say, digit, go] = [a.label('child'), a.label('say'), a.label('digit'), a.label('go')];
  const constant = (r: Register, value: number): void => {
    a.movw(r, value & 0xffff);
    a.movt(r, value >>> 16);
  };
  const call = (number: number, ...values: readonly (number | undefined)[]): void => {
    for (const [i, value] of values.entries())
      if (value !== undefined) constant([r0, r1, r2, r3][i]!, value >>> 0);
    a.mov(r7, number);
    a.svc(0);
  };
  /** Of the child, whose number is in R4. */
  const ptrace = (request: number, address: number, data: number): void => {
    a.mov(r1, r4);
    call(SYS.ptrace, request, undefined, address, data);
  };
  const sayWord = (address: number): void => {
    constant(r0, address);
    a.ldr(r0, [r0]);
    a.bl(say);
  };
  const set = (register: number, value: number): void => {
    constant(r0, BUFFER);
    constant(r1, value);
    a.str(r1, [r0]);
    ptrace(PTRACE.SETHBPREGS, register, BUFFER);
    a.bl(say);
  };
  const peek = (): void => {
    ptrace(PTRACE.PEEKDATA, DATA, BUFFER);
    sayWord(BUFFER);
  };
  /** On to the next stop: how it is told, what siginfo holds, and PC. */
  const sayStop = (): void => {
    a.bl(go);
    ptrace(PTRACE.GETSIGINFO, 0, BUFFER);
    for (let i = 0; i < 4; i++) sayWord(BUFFER + 4 * i);
    ptrace(PTRACE.GETREGS, 0, BUFFER);
    sayWord(BUFFER + 4 * 15);
    peek();
  };

  call(SYS.fork);
  a.cmp(r0, 0);
  a.beq(child);
  a.mov(r4, r0);
  call(SYS.wait4, undefined, BUFFER, 0, 0);
  sayWord(BUFFER);
  ptrace(PTRACE.GETHBPREGS, 0, BUFFER);
  sayWord(BUFFER);
  set(BREAK_ADDRESS, places.second);
  set(BREAK_CONTROL, breakControl);
  sayStop();
  set(BREAK_CONTROL, breakControl & ~1);
  set(WATCH_ADDRESS, DATA);
  set(WATCH_CONTROL, watchControl);
  sayStop();
  set(WATCH_CONTROL, watchControl & ~1);
  a.bl(go);
  const end = a.label('end');
  a.at(end);
  a.b(end);

  a.at(go);
  a.mov(r6, lr);
  ptrace(PTRACE.CONT, 0, 0);
  a.mov(r0, r4);
  call(SYS.wait4, undefined, BUFFER, 0, 0);
  constant(r0, BUFFER);
  a.ldr(r0, [r0]);
  a.mov(lr, r6);
  // What is in R0, behind "word ".
  a.at(say);
  constant(r1, LINE + PREFIX.length);
  a.mov(r2, 8);
  a.at(digit);
  a.lsr(r3, r0, 28);
  a.cmp(r3, 10);
  a.addlo(r3, r3, 0x30);
  a.addhs(r3, r3, 0x61 - 10);
  a.strb(r3, [r1], 1);
  a.lsl(r0, r0, 4);
  a.subs(r2, r2, 1);
  a.bne(digit);
  call(SYS.write, 1, LINE, PREFIX.length + 9);
  a.bx(lr);

  a.at(child);
  call(SYS.ptrace, PTRACE.TRACEME, 0, 0, 0);
  call(SYS.getpid);
  call(SYS.kill, undefined, SIGSTOP);
  constant(r1, DATA);
  constant(r2, FIRST);
  constant(r3, SECOND);
  a.str(r2, [r1]);
  const second = a.here;
  a.str(r3, [r1]);
  call(SYS.exit, EXIT);
  a.org(DATA);
  a.word(0);
  a.org(LINE);
  a.bytes(ascii(`${PREFIX}00000000\n`));
  a.org(LOAD + 0x1000);
  return { image: a.assemble(), second };
}

it(
  'a traced program of Linux stops at a breakpoint and at a watchpoint of the processor',
  async () => {
    const found = await inputs();
    // Its constants are all of one size: what it is told of itself moves nothing.
    const { second } = program({ second: 0 });
    const { image } = program({ second });
    const traced = { path: 'traced', mode: PROGRAM, data: staticElf(image, LOAD) };
    const initramfs = busyboxArchive(await readFile(found.busybox), '/traced', [], [traced]);
    const files = await bootFiles(await quick(found.bookworm), found.firmware, {
      config: 'auto_initramfs=1\n',
      commandLine: 'console=ttyAMA0,115200',
      more: new Map([['initramfs7', initramfs]]),
    });
    const machine = await prepareHandover(memoryCard(Object.fromEntries(files)));
    const last = (EXIT << 8).toString(16).padStart(8, '0');
    const { said } = await runToEnd('built-in', machine, BOOT_SECONDS, new RegExp(`^${PREFIX}${last}$`, 'm'));
    // The kernel keeps one breakpoint for its own steps.
    expect(said).toMatch(/hw-breakpoint: found 5 \(\+1 reserved\) breakpoint and 4 watchpoint registers\./);
    const words = [...said.matchAll(new RegExp(`^${PREFIX}([0-9a-f]{8})$`, 'gm'))].map(([, it]) =>
      parseInt(it!, 16),
    );
    const stopped = (signal: number): number => (signal << 8) | 0x7f;
    const trap = (register: number, address: number): number[] => [
      SIGTRAP,
      register >>> 0,
      TRAP_HWBKPT,
      address,
    ];
    expect(words).toEqual([
      stopped(SIGSTOP),
      // Debug architecture 5, watchpoints of 8 bytes at most, 4 of them, 5 breakpoints.
      0x05080405,
      ...[0, 0],
      ...[stopped(SIGTRAP), ...trap(BREAK_ADDRESS, second), second, FIRST],
      ...[0, 0, 0],
      ...[stopped(SIGTRAP), ...trap(WATCH_ADDRESS, DATA), second, FIRST],
      0,
      EXIT << 8,
    ]);
  },
  forBoots(1),
);
