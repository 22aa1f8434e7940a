import { createConnection } from 'node:net';
import { describe, expect, test } from 'vitest';
import { useTools } from '../../scripts/lib/tools.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { createSession } from '../../src/engine/session.js';
import { debug } from '../../src/gdb/debuggee.js';
import { encodePacket } from '../../src/gdb/packets.js';
import { FEATURES, REGISTERS, targetDescription } from '../../src/gdb/registers.js';
import { openGdbPort } from '../../src/node/gdb-port.js';
import { assembler } from '../../src/isa/assembler.js';
import { r0, r1, r2 } from '../../src/isa/registers.js';
import { handoverOf, words } from '../support/handover.js';
import { client, type Debugged, gdb } from './client.js';

useTools();

/** At 0 each core adds its number + 1 to r1 without end: +8, +c and +10 are the loop, which stores it at 0x4000. */
const COUNTING = words(
  0xee10_0fb0, // +00 mrc p15, 0, r0, c0, c0, 5  ; MPIDR
  0xe200_0003, // +04 and r0, r0, #3
  0xe081_1000, // +08 add r1, r1, r0
  0xe281_1001, // +0c add r1, r1, #1
  0xe582_1000, // +10 str r1, [r2]
  0xeaff_fffb, // +14 b +08
);

async function machine(program = COUNTING): Promise<Debugged> {
  const pi = await createBuiltInPi(handoverOf([0, program]), () => undefined);
  for (const core of pi.cpu.cores) {
    core.setRegister(1, 0);
    core.setRegister(2, 0x4000 + 4 * core.index);
  }
  const session = createSession(pi, { fast: true });
  const debuggee = debug(pi, session);
  debuggee.attach();
  return { pi, session, debuggee, run: session.run() };
}

const word = (hex: string): number => Buffer.from(hex, 'hex').readUInt32LE(0);
const PC = 15;

describe('the protocol', () => {
  test('cores are threads; registers, RAM, breakpoints, steps, and a stop in between', async () => {
    const it = await machine();
    const { ask, tell } = client(it);
    expect(await ask('?')).toBe('T02thread:1;');
    expect(await ask('qSupported:hwbreak+')).toContain('QStartNoAckMode+');
    expect(await ask('qfThreadInfo')).toBe('m1,2,3,4');
    expect(await ask('Z1,10,4')).toBe('OK');
    expect(await ask('vCont;c')).toMatch(/^T05thread:[1-4];hwbreak:;$/);
    const first = word(await ask(`p${PC.toString(16)}`));
    expect(first).toBe(0x10);
    // Each core comes there, each with its own sum.
    const seen = new Map<number, number>();
    for (let i = 0; i < 40 && seen.size < 4; i++) {
      const [, thread] = /thread:(\d)/.exec(await ask('vCont;c'))!;
      await ask(`Hg${thread!}`);
      const core = Number(thread) - 1;
      expect(word(await ask('p0'))).toBe(core);
      expect(word(await ask('p1')) % (core + 1)).toBe(0);
      seen.set(core, word(await ask('p1')));
    }
    expect([...seen.keys()].sort()).toEqual([0, 1, 2, 3]);
    expect(await ask('z1,10,4')).toBe('OK');
    // A step of one core: from the store to the branch, to the add.
    await ask('Hg3');
    const before = word(await ask(`p${PC.toString(16)}`));
    const path = [0x08, 0x0c, 0x10, 0x14];
    const after = [];
    for (let i = 0; i < 4; i++) {
      expect(await ask('vCont;s:3;c')).toBe('T05thread:3;');
      after.push(word(await ask(`p${PC.toString(16)}`)));
    }
    const from = path.indexOf(before);
    expect(after).toEqual([1, 2, 3, 4].map((n) => path[(from + n) % 4]));
    // RAM by either address, and written.
    expect(await ask('M5001,3:010203')).toBe('OK');
    expect(await ask('m5000,5')).toBe('0001020300');
    expect(await ask('X5000,2:#\x01')).toBe('OK');
    expect(await ask('m5000,2')).toBe('2301');
    expect(await ask('m3effffff,2')).toBe('E0e');
    expect(await ask('P1=78563412')).toBe('OK');
    expect(word(await ask('p1'))).toBe(0x12345678);
    // Ctrl-C, while it runs: it asks nothing, and gets the stop.
    tell(encodePacket('vCont;c'));
    setTimeout(() => {
      tell('\x03');
    }, 20);
    expect(await ask('')).toBe('T02thread:3;');
    tell(encodePacket('k'));
    expect(await it.run).toBe('killed');
  });

  test('a virtual address is what the core has mapped there', async () => {
    // A section at 0x80000000 is the first megabyte; what stands at 0 stays there.
    const table = new Uint8Array(0x4000);
    const section = (virtual: number, physical: number): void => {
      new DataView(table.buffer).setUint32((virtual >>> 20) * 4, physical | 0xc02, true);
    };
    section(0, 0);
    section(0x8000_0000, 0);
    const a = assembler();
    const loop = a.label('loop');
    a.mov(r0, 0x8000);
    a.word(0xee02_0f10); // mcr p15, 0, r0, c2, c0, 0 ; TTBR0
    a.mvn(r1, 0);
    a.word(0xee03_1f10); // mcr p15, 0, r1, c3, c0, 0 ; DACR
    a.word(0xee11_0f10); // mrc p15, 0, r0, c1, c0, 0 ; SCTLR
    a.orr(r0, r0, 1);
    a.word(0xee01_0f10);
    a.isb();
    a.at(loop);
    a.add(r2, r2, 1);
    a.b(loop);
    const code = a.assemble();
    const pi = await createBuiltInPi(handoverOf([0, code], [0x8000, table]), () => undefined);
    const session = createSession(pi, { fast: true });
    const debuggee = debug(pi, session);
    debuggee.attach();
    const it = { pi, session, debuggee, run: session.run() };
    const { ask, tell } = client(it);
    expect(await ask('m80000000,4')).toBe('E0e');
    expect(await ask('Z0,20,4')).toBe('OK');
    expect(await ask('c')).toMatch(/^T05/);
    expect(await ask('m80000000,4')).toBe(Buffer.from(code.subarray(0, 4)).toString('hex'));
    expect(await ask('m90000000,4')).toBe('E0e');
    // "monitor physical", and back.
    expect(await ask(`qRcmd,${Buffer.from('physical').toString('hex')}`)).not.toBe('');
    expect(await ask('m80000000,4')).toBe('E0e');
    expect(await ask('m8000,4')).toBe('020c0000');
    tell(encodePacket('k'));
    await it.run;
  });

  test('every register is read, each name is there once, and what is written is read back', async () => {
    const names = REGISTERS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(
      expect.arrayContaining(['SCTLR_S', 'SCTLR_NS', 'HCR', 'VTTBR', 'SPSR_irq', 'R8_fiq', 'd31']),
    );
    expect(FEATURES[0]!.registers.map(({ name }) => name).slice(13)).toEqual(['sp', 'lr', 'pc', 'cpsr']);
    const it = await machine();
    const { ask, tell } = client(it);
    for (let n = 0; n < REGISTERS.length; n++)
      expect(await ask(`p${n.toString(16)}`)).toMatch(new RegExp(`^[0-9a-f]{${REGISTERS[n]!.size * 2}}$`));
    const hcr = names.indexOf('HCR').toString(16);
    expect(await ask(`P${hcr}=01000000`)).toBe('OK');
    expect(it.pi.cpu.cores[0]!.system((await import('../../src/isa/system-registers.js')).HCR)).toBe(1);
    const midr = names.indexOf('MIDR').toString(16);
    expect(await ask(`P${midr}=00000000`)).toBe('E16');
    expect(word(await ask(`p${midr}`)) >>> 4).toBe(0x410f_c07);
    tell(encodePacket('k'));
    await it.run;
    expect(targetDescription()).toContain('<reg name="pc" bitsize="32" regnum="15" type="code_ptr"/>');
  });
});

test(
  'gdb-multiarch connects, stops at a breakpoint, looks, steps and goes',
  { timeout: 60_000 },
  async () => {
    const it = await machine();
    const orders = [
      'info threads',
      'hbreak *0x10',
      'continue',
      'printf "at %x r1 %d\\n", $pc, $r1',
      'thread 1',
      'printf "SCR %x mode %x\\n", $SCR, $cpsr & 0x1f',
      'delete',
      'stepi',
      'x/1xw 0x8',
      'monitor physical',
      'set var *(int *)0x6000 = 0x1234',
      'x/1xw 0x6000',
      'detach',
    ];
    const said = await gdb(it, 'remote', orders);
    expect(said).toMatch(/Thread 1\.4 "core 3"/);
    expect(said).toMatch(/at 10 r1 \d+/);
    expect(said).toMatch(/SCR 0 mode 13/);
    expect(said).toMatch(/0x8:\s+0xe0811000/);
    expect(said).toMatch(/Addresses of memory are physical ones now/);
    expect(said).toMatch(/0x6000:\s+0x00001234/);
    expect(said).not.toContain('gdb-multiarch ended');
  },
);

test('what a debugger that waits to be acknowledged asks again is answered once', async () => {
  const it = await machine();
  let sent = '';
  const { tell } = client(it, (text) => (sent += text));
  const asked = encodePacket('qC');
  tell(asked + asked + asked);
  expect(sent).toBe(`+${encodePacket('QC1')}`);
  // What comes after the answer is asked anew.
  tell(`+${asked}`);
  expect(sent).toBe(`+${encodePacket('QC1')}`.repeat(2));
  sent = '';
  tell(encodePacket('QStartNoAckMode'));
  expect(sent).toBe(`+${encodePacket('OK')}`);
  sent = '';
  tell(asked + asked);
  expect(sent).toBe(encodePacket('QC1').repeat(2));
  tell(encodePacket('k'));
  await it.run;
});

test('the port is of this computer alone, for one debugger, and one that is taken is said', async () => {
  const port = await openGdbPort(0, () => ({ receive: () => undefined, gone: () => undefined }));
  await expect(
    openGdbPort(port.port, () => ({ receive: () => undefined, gone: () => undefined })),
  ).rejects.toThrow(expect.objectContaining({ code: 'gdb.port' }) as Error);
  const first = createConnection(port.port, '127.0.0.1');
  await new Promise((resolve) => first.once('connect', resolve));
  const second = createConnection(port.port, '127.0.0.1');
  await new Promise((resolve) => second.once('close', resolve));
  first.destroy();
  port.close();
});
