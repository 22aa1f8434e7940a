/** Host and guests as inferiors of their own: the same address is another place in each. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { useTools } from '../../scripts/lib/tools.js';
import type { Point, Stop } from '../../src/gdb/debuggee.js';
import type { Thread } from '../../src/gdb/inferiors.js';
import { encodePacket } from '../../src/gdb/packets.js';
import { REGISTERS } from '../../src/gdb/registers.js';
import type { VcpusDescription } from '../../src/hypervisor/image/description.js';
import { client, type Debugged, gdb } from './client.js';
import { COUNTER, debuggedMachine, FIRST, HOST, KERNEL, LOOP, machineWithPair, SECOND } from './machines.js';

useTools();

const word = (hex: string): number => Buffer.from(hex, 'hex').readUInt32LE(0);
const hex = (value: number): string => value.toString(16);
/** Behind the instruction that reads VFP's registers. */
const [PC, READ] = ['pf', LOOP + 16];
/** Whose is what, as GDB's numbers have it. */
const WHO = { p2: [HOST, 1], p3: [FIRST, 2], p4: [SECOND, 3] } as const;

describe('the protocol', () => {
  test('tells nothing apart until it is asked to, as `target extended-remote` does', async () => {
    const it = await debuggedMachine();
    const { ask, tell } = client(it);
    expect(await ask('qSupported:multiprocess+;hwbreak+')).toContain('multiprocess+');
    expect(await ask('?')).toBe('T02thread:p1.1;');
    expect(await ask('qfThreadInfo')).toBe('mp1.1,p1.2,p1.3,p1.4');
    // A breakpoint is one of all, whoever comes there.
    expect(await ask(`Z1,${hex(LOOP)},4`)).toBe('OK');
    const vttbr = hex(REGISTERS.findIndex(({ name }) => name === 'VTTBR'));
    /** Whose the core is that stopped. */
    const vmid = async (): Promise<string> => (await ask(`p${vttbr}`)).slice(12, 14);
    expect(await ask('vCont;c')).toBe('T05thread:p1.1;hwbreak:;');
    expect(await vmid()).toBe('00');
    expect(await ask(`z1,${hex(LOOP)},4`)).toBe('OK');
    expect(await ask(`Z1,${hex(KERNEL)},4`)).toBe('OK');
    for (const guest of ['02', '01']) {
      expect(await ask('vCont;c')).toBe('T05thread:p1.4;hwbreak:;');
      expect(await vmid()).toBe(guest);
    }
    tell(encodePacket('k'));
    expect(await it.run).toBe('killed');
  });

  test('a breakpoint, a step and a watchpoint are of one inferior, and memory is as that has it', async () => {
    const it = await debuggedMachine();
    const { ask, tell } = client(it);
    await ask('qSupported:multiprocess+;swbreak+;hwbreak+');
    expect(await ask('!')).toBe('OK');
    expect(await ask('qfThreadInfo')).toBe('mp1.1,p1.2,p1.3,p1.4');
    for (const process of [2, 3, 4]) expect(await ask(`vAttach;${process}`)).toBe(`T05thread:p${process}.1;`);
    expect(await ask('vAttach;5')).toBe('E16');
    expect(await ask('qfThreadInfo')).toBe('mp1.1,p1.2,p1.3,p1.4,p2.1,p2.2,p2.3,p3.1,p4.1');
    expect(await ask('qXfer:threads:read::0,1000')).toContain(
      '<thread id="p4.1" core="3" name="second, CPU 0">is off, core 3</thread>',
    );
    // All come there without end, and only the one stops.
    for (const [process, [who, step]] of Object.entries(WHO)) {
      const [hp, z] = [`Hg${process}.1`, `1,${hex(LOOP)},4`];
      expect(await ask(hp)).toBe('OK');
      expect(await ask(`Z${z}`)).toBe('OK');
      for (let i = 0; i < 3; i++) {
        expect(await ask('vCont;c')).toBe(`T05thread:${process}.1;hwbreak:;`);
        expect(word(await ask('p2'))).toBe(who);
        expect(word(await ask('p3')) % step).toBe(0);
        if (i > 0) expect(await ask(`m${hex(COUNTER)},4`)).toBe(await ask('p3'));
      }
      expect(await ask(`z${z}`)).toBe('OK');
      // One instruction after the other, whatever the core does for others meanwhile.
      for (const to of [4, 8, 12, 16, 20]) {
        expect(await ask(`vCont;s:${process}.1;c`)).toBe(`T05thread:${process}.1;`);
        expect(word(await ask(PC))).toBe(LOOP + to);
      }
      // A store stops before it is made. Others store there, too.
      const value = word(await ask('p3'));
      expect(await ask(`Z2,${hex(COUNTER + 2)},1`)).toBe('OK');
      expect(await ask('vCont;c')).toBe(`T05thread:${process}.1;watch:${hex(COUNTER + 2)};`);
      expect(word(await ask(PC))).toBe(LOOP + 4);
      expect(word(await ask('p3'))).toBe(value + step);
      expect(word(await ask(`m${hex(COUNTER)},4`))).toBe(value);
      expect(await ask(`z2,${hex(COUNTER + 2)},1`)).toBe('OK');
      expect(await ask(`vCont;s:${process}.1`)).toBe(`T05thread:${process}.1;`);
      expect(word(await ask(`m${hex(COUNTER)},4`))).toBe(value + step);
      // A load is another thing, and next to it is nobody.
      expect(await ask(`Z3,${hex(COUNTER)},2`)).toBe('OK');
      expect(await ask(`Z4,${hex(COUNTER + 4)},4`)).toBe('OK');
      expect(await ask('vCont;c')).toBe(`T05thread:${process}.1;rwatch:${hex(COUNTER)};`);
      expect(word(await ask(PC))).toBe(LOOP + 8);
      expect(await ask(`z3,${hex(COUNTER)},2`)).toBe('OK');
      expect(await ask(`z4,${hex(COUNTER + 4)},4`)).toBe('OK');
      // What is written is written to this one's memory.
      expect(await ask(`M${hex(COUNTER + 8)},4:${hex(who)}0000`)).toBe('OK');
    }
    for (const [process, [who]] of Object.entries(WHO)) {
      await ask(`Hg${process}.1`);
      expect(await ask(`m${hex(COUNTER + 8)},4`)).toBe(`${hex(who)}0000`);
    }
    // HYP mode has nothing there, and at its own addresses what the others do not see.
    await ask('Hgp1.1');
    expect(await ask(`m${hex(COUNTER)},4`)).toBe('E0e');
    const { vectors } = it.image.description.vcpus!;
    expect(await ask(`m${hex(vectors)},20`)).toMatch(/^(?:[0-9a-f]{6}ea){8}$/);
    await ask('Hgp3.1');
    expect(await ask(`m${hex(vectors)},4`)).toBe('E0e');
    tell(encodePacket('k'));
    await it.run;
  });

  test('only points of what goes on count, and inferiors are let go one by one', async () => {
    const it = await debuggedMachine();
    const { ask, tell } = client(it);
    await ask('qSupported:multiprocess+;hwbreak+');
    await ask('!');
    for (const process of [2, 3, 4]) await ask(`vAttach;${process}`);
    for (const process of [2, 3, 4]) {
      await ask(`Hgp${process}.1`);
      expect(await ask(`Z1,${hex(LOOP)},4`)).toBe('OK');
    }
    for (const process of [3, 4, 2, 4])
      expect(await ask(`vCont;c:p${process}.-1`)).toBe(`T05thread:p${process}.1;hwbreak:;`);
    expect(await ask('qAttached:3')).toBe('1');
    expect(await ask('vKill;3')).toBe('E01');
    expect(await ask('D;3')).toBe('OK');
    expect(await ask('qAttached:3')).toBe('E16');
    expect(await ask('Hgp3.1')).toBe('E16');
    expect(await ask('vCont;c:p3.-1')).toBe('E16');
    expect(await ask('D;2')).toBe('OK');
    for (let i = 0; i < 20; i++) expect(await ask('vCont;c')).toBe('T05thread:p4.1;hwbreak:;');
    expect(await ask('D;4')).toBe('OK');
    tell(encodePacket('vCont;c'));
    setTimeout(() => {
      tell('\x03');
    }, 20);
    expect(await ask('')).toMatch(/^T02thread:p1\.\d;$/);
    expect(await ask('D;1')).toBe('OK');
    expect(await ask('qfThreadInfo')).toBe('l');
    const gone = it.session.now;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(it.session.now).toBeGreaterThan(gone);
    // It is there again for who comes back.
    expect(await ask('vAttach;4')).toBe('T05thread:p4.1;');
    const held = it.session.now;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(it.session.now).toBe(held);
    it.session.leave('enough');
    expect(await it.run).toBe('enough');
  });
});

test('two CPUs of a guest that share a core are told apart', async () => {
  const it = await machineWithPair();
  const { ask, tell } = client(it);
  await ask('qSupported:multiprocess+');
  await ask('!');
  await ask('vAttach;3');
  expect(await ask('qfThreadInfo')).toBe('mp1.1,p1.2,p1.3,p1.4,p3.1,p3.2');
  // Behind where the number is read.
  expect(await ask(`Z1,${hex(LOOP + 8)},4`)).toBe('OK');
  const stops = new Set<string>();
  for (let i = 0; i < 500 && stops.size < 2; i++) {
    const [, thread] = /^T05thread:p3\.([12]);$/.exec(await ask('vCont;c'))!;
    expect(word(await ask('p2')) + 1).toBe(Number(thread));
    stops.add(thread!);
  }
  expect([...stops].sort()).toEqual(['1', '2']);
  // The other one is off its core, and has its own number, too.
  const [now] = [...stops].slice(-1);
  const other = now === '1' ? '2' : '1';
  await ask(`Hgp3.${other}`);
  expect(word(await ask('p2')) + 1).toBe(Number(other));
  await ask(`Hgp3.${now!}`);
  tell(encodePacket('k'));
  await it.run;
});

describe('a processor that is not on its core', () => {
  let it: Debugged;
  let known: VcpusDescription;
  let hyp: Thread;
  let guests: readonly [Thread, Thread];
  /** Lets it go on until something stops it. */
  const goOn = (step?: Thread): Promise<Stop> =>
    new Promise((resolve) => {
      it.debuggee.onStop = resolve;
      it.debuggee.resume({ step });
    });
  const pointOf = ({ process }: Thread, address: number): Point => ({ kind: 1, process, address, length: 4 });
  const breakAt = async (thread: Thread, address: number): Promise<void> => {
    const point = pointOf(thread, address);
    it.debuggee.setPoint(point);
    expect((await goOn()).thread).toBe(thread);
    it.debuggee.clearPoint(point);
  };
  /** All that is shown of it but what the core has for it meanwhile: HYP mode's own registers, counters, timers. */
  const shown = ({ registers }: Thread): [name: string, value: bigint | undefined][] =>
    REGISTERS.filter(({ name }) => SHOWN.test(name)).map((it) => [it.name, it.read(registers)]);
  const SHOWN =
    /^(?:r\d+|sp|lr|pc|cpsr|d[01]|fpscr|(?:SP|LR|SPSR|R\d+)_(?:usr|svc|abt|und|irq|fiq)|(?:SCTLR|TTBR[01]|TTBCR|DACR|VBAR|CONTEXTIDR|TPIDRPRW)_NS|VTTBR|CPACR)$/;
  const pcOf = ({ registers }: Thread): number => registers.register(15)!;

  beforeAll(async () => {
    const machine = await debuggedMachine();
    it = machine;
    known = machine.image.description.vcpus!;
    it.debuggee.tellApart(true);
    const { all } = it.debuggee.inferiors;
    hyp = all[0]![3]!;
    guests = [all[2]![0]!, all[3]![0]!];
    for (const thread of guests) await breakAt(thread, LOOP + 12);
    return async () => {
      it.session.leave('enough');
      await it.run;
    };
  });

  test(
    'is shown the same at every instruction of HYP mode, to where it goes on',
    { timeout: 60_000 },
    async () => {
      await breakAt(guests[0], READ);
      /** HYP mode's vectors for what a machine does, and for its interrupts. */
      const vectors = [known.vectors + 0x14, known.vectors + 0x18];
      const visits: string[] = [];
      const nowhere = new Set<string>();
      let steps = 0;
      while (visits.length < 6) {
        for (const address of vectors) it.debuggee.setPoint(pointOf(hyp, address));
        expect((await goOn()).thread).toBe(hyp);
        it.debuggee.clearPoints();
        const begin = guests.map(shown);
        const whose = guests.findIndex(({ doing }) => doing().startsWith('is in HYP mode'));
        visits.push(`${hex(pcOf(hyp) - known.vectors)} ${whose}`);
        for (; pcOf(hyp) !== known.left; steps++) {
          await goOn(hyp);
          guests.forEach((guest, n) => {
            shown(guest).forEach(([name, value], i) => {
              // While VFP's registers are exchanged they are nowhere.
              if (value === undefined && /^(?:d[01]|fpscr)$/.test(name)) nowhere.add(name);
              else if (value !== begin[n]![i]![1])
                expect(value, `${name} of ${guest.name} at ${hex(pcOf(hyp))}`).toBe(begin[n]![i]![1]);
            });
          });
        }
      }
      // The timer takes the core from one and gives it the other, which wants VFP's registers next.
      expect(visits).toEqual(['18 0', '14 1', '18 1', '14 0', '18 0', '14 1']);
      expect([...nowhere].sort()).toEqual(['d0', 'd1', 'fpscr']);
      expect(steps).toBeGreaterThan(1000);
    },
  );

  test('goes on with what was written to it, wherever that was', async () => {
    const [first, second] = guests;
    const other = (thread: Thread): Thread => (thread === first ? second : first);
    /** Places of HYP mode: a vector, the instruction that keeps registers, the one behind it, ... to the last. */
    const keeps = known.untouched[4]!;
    const places = [
      known.vectors + 0x18,
      keeps,
      keeps + 4,
      known.loading[0] - 4,
      known.loading[0],
      known.left - 4,
      known.left,
    ];
    let value = 0x1000_0000;
    for (const place of [undefined, ...places]) {
      for (const thread of place === undefined ? guests : [first]) {
        await breakAt(thread, LOOP + 4);
        if (place === undefined) await breakAt(other(thread), LOOP + 4);
        else await breakAt(hyp, place);
        const written = guests.map(({ registers }) => {
          const [r3, d0, sp] = [(value += 0x100), BigInt((value += 0x100)), (value += 0x100)];
          registers.setRegister(3, r3);
          registers.setDoubleword(0, d0);
          registers.setBanked('SP_irq', sp);
          return [r3, d0, sp] as const;
        });
        const shownNow = guests.map(({ registers }) => [
          ...[registers.register(3), registers.doubleword(0), registers.banked('SP_irq')],
        ]);
        expect(shownNow).toEqual(written);
        // Who stands at a breakpoint goes on from there.
        const stands = place === undefined ? other(thread) : undefined;
        const adds = guests.map((guest) => guest === stands || pcOf(guest) !== LOOP + 4);
        for (const guest of guests) it.debuggee.setPoint(pointOf(guest, LOOP + 4));
        for (let stops = 0; stops < guests.length; stops++) {
          const { thread: guest } = await goOn();
          it.debuggee.clearPoints(guest.process);
          const { registers } = guest;
          const n = guests.indexOf(guest);
          const [r3, d0, sp] = written[n]!;
          const step = adds[n] ? [2, 3][n]! : 0;
          expect(registers.register(3), `${guest.name} at ${hex(place ?? 0)}`).toBe(r3 + step);
          await breakAt(guest, READ);
          expect([registers.register(4), registers.banked('SP_irq')]).toEqual([Number(d0), sp]);
        }
      }
    }
  });

  test('has its own translation, and its own place to go on at', async () => {
    const [first, second] = guests;
    await breakAt(first, LOOP);
    expect(second.doing()).toBe('waits for its core, core 3');
    expect(second.physical(KERNEL)).toBe(it.debuggee.inferiors.all[3]![0]!.physical(KERNEL));
    expect(second.physical(KERNEL)).not.toBe(first.physical(KERNEL));
    expect(second.physical(0x1000)).toBeUndefined();
    second.registers.setRegister(15, KERNEL);
    await goOn(second);
    expect(pcOf(second)).toBe(KERNEL + 0x20);
    // What no one keeps for it is nowhere, and so is all of one that was never started.
    const [, , , , , off] = it.debuggee.inferiors.all.flat();
    expect(off!.name).toBe('host, CPU 1');
    await breakAt(first, LOOP);
    const read = (name: string, { registers }: Thread): bigint | undefined =>
      REGISTERS.find((register) => register.name === name)!.read(registers);
    expect(['MIDR', 'SCTLR_S', 'HSR', 'SP_mon'].map((name) => read(name, second))).toEqual(
      Array<undefined>(4).fill(undefined),
    );
    expect(
      REGISTERS.filter((register) => register.read(off!.registers) !== undefined).map(({ name }) => name),
    ).toEqual(['pc', 'cpsr']);
  });
});

test(
  'gdb-multiarch stops in the hypervisor, the host and a guest, and sees a value change',
  { timeout: 60_000 },
  async () => {
    const it = await debuggedMachine();
    const { vectors } = it.image.description.vcpus!;
    const said = await gdb(it, 'extended-remote', [
      ...[2, 3, 4].flatMap((n) => ['add-inferior', `inferior ${n}`, `attach ${n}`]),
      'set schedule-multiple on',
      ...['inferior 4', `hbreak *${LOOP}`, 'continue', 'printf "second %x\\n", $r2', 'delete'],
      ...['inferior 2', `hbreak *${LOOP}`, 'continue', 'printf "host %x\\n", $r2', 'delete'],
      ...['inferior 3', `watch *(int *)${COUNTER}`, 'continue', 'printf "first %x\\n", $r2', 'delete'],
      ...[
        'stepi',
        'printf "then %x\\n", $pc',
        'inferior 1',
        `hbreak *${vectors + 0x18}`,
        'continue',
        'delete',
      ],
      ...[
        'stepi',
        'printf "mode %x\\n", $cpsr & 0x1f',
        'info threads',
        'thread 3.1',
        'printf "off core %x\\n", $r2',
      ],
      ...[`printf "counts %d\\n", *(int *)${COUNTER} % 2`, 'inferior 3', 'kill', 'echo over\\n'],
    ]);
    expect(said).toMatch(/Thread 4\.1 "second, CPU 0" hit Breakpoint 1, 0x40008100/);
    expect(said).toContain(`second ${hex(SECOND)}`);
    expect(said).toMatch(/Thread 2\.1 "host, CPU 0" hit Breakpoint 2, 0x40008100/);
    expect(said).toContain(`host ${hex(HOST)}`);
    const [, old, now] =
      /Thread 3\.1 "first, CPU 0" hit Hardware watchpoint 3.*\n\nOld value = (\d+)\nNew value = (\d+)/.exec(
        said,
      )!;
    expect(Number(now)).toBe(Number(old) + 2);
    expect(said).toContain(`first ${hex(FIRST)}`);
    expect(said).toContain(`then ${hex(LOOP + 12)}`);
    expect(said).toMatch(/Thread 1\.4 "core 3" hit Breakpoint 4/);
    expect(said).toContain('mode 1a');
    expect(said).toMatch(/3\.1 .*Thread 3\.1 "first, CPU 0" \(is in HYP mode, core 3\)/);
    expect(said).toMatch(/4\.1 .*\(waits for its core, core 3\)/);
    expect(said).toContain(`off core ${hex(FIRST)}`);
    expect(said).toContain('counts 0');
    expect(said).toContain("Can't kill process");
    expect(said).not.toContain('gdb-multiarch ended');
  },
);

test('the README has a session as gdb-multiarch has it', { timeout: 60_000 }, async () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const [, session] = /```\n(\(gdb\) target extended-remote [^]*?)```/.exec(readme)!;
  const [connect, ...lines] = session!.trimEnd().split('\n');
  expect(connect).toBe('(gdb) target extended-remote localhost:2345');
  const prompt = '(gdb) ';
  const orders = lines.filter((line) => line.startsWith(prompt)).map((line) => line.slice(prompt.length));
  const said = await gdb(await debuggedMachine(), 'extended-remote', orders);
  let from = 0;
  for (const line of lines.filter((it) => !it.startsWith(prompt))) {
    const at = said.indexOf(`${line}\n`, from);
    expect(at, `${line} in ${said.slice(from)}`).toBeGreaterThanOrEqual(0);
    from = at;
  }
  expect(said).toMatch(/3\.1 +Thread 3\.1 "first, CPU 0" \(runs, core 3\)/);
  expect(said).not.toContain('gdb-multiarch ended');
});
