/** Packets that mean anything, or nothing: each has its answer, and the machine stays one that can be debugged. */
import { createConnection } from 'node:net';
import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodePacket, LONGEST_PACKET } from '../../src/gdb/packets.js';
import { createGdbServer } from '../../src/gdb/server.js';
import { openGdbPort } from '../../src/node/gdb-port.js';
import { client, type Client, type Debugged } from './client.js';
import { COUNTER, debuggedMachine, LOOP } from './machines.js';

const TIMES = Number(process.env['HYPBERRY_FUZZ'] ?? 1);
const hex = (value: number): string => value.toString(16);

/** What stop replies, answers and refusals look like. */
const STOP = /^T0[25]thread:(?:p[1-4]\.)?[1-4];(?:(?:sw|hw)break:;|[ra]?watch:[0-9a-f]{1,8};)?$/;
const ANSWER =
  /^(?:|OK|E[0-9a-f]{2}|1|T05thread:p\d\.\d;|QC(?:p[1-4]\.)?[1-4]|vCont;c;C;s;S|PacketSize=.*|[ml][^]*|(?:[0-9a-f]{2}|xx)+)$/;

const [inferior, number] = [
  fc.constantFrom('', 'p1', 'p2', 'p3', 'p4', 'p-1', 'p0', 'p9'),
  fc.constantFrom('1', '2', '-1', '0', '7'),
];
const id = fc.oneof(
  fc.tuple(inferior, number).map(([p, n]) => (p === '' ? n : `${p}.${n}`)),
  fc.stringMatching(/^[p0-9a-f.-]{0,8}$/),
);
const address = fc.oneof(
  fc.constantFrom(LOOP, LOOP + 4, COUNTER, 0, 0x8000, 0x3e0_0018, 0xffff_ffff).map(hex),
  fc.nat(0xffff_ffff).map(hex),
);
const size = fc.oneof(fc.constantFrom('1', '4', '8', '0', '2000', '2001', 'ffffffff'), fc.nat(64).map(hex));
const register = fc.oneof(fc.nat(0x20).map(hex), fc.nat(0x200).map(hex));
const action = fc
  .tuple(fc.constantFrom('c', 's', 'C05', 'S05', 't', 'r0,8', ''), fc.option(id))
  .map(([kind, of]) => (of === null ? kind : `${kind}:${of}`));
const packet = fc.oneof(
  fc.constantFrom(
    ...['?', 'g', '!', 'qC', 'qAttached', 'vCont?', 'qfThreadInfo', 'qsThreadInfo', 'c', 's', 'D'],
  ),
  fc
    .tuple(
      fc.constantFrom('m', 'x', 'z0,', 'Z0,', 'Z1,', 'z1,', 'Z2,', 'Z3,', 'Z4,', 'z2,', 'Z5,'),
      address,
      size,
    )
    .map(([name, at, length]) => `${name}${at},${length}`),
  fc
    .tuple(fc.nat(0x100), fc.uint8Array({ maxLength: 8 }))
    .map(
      ([at, data]) =>
        `M${hex(COUNTER + 0x100 + at)},${hex(data.length)}:${Buffer.from(data).toString('hex')}`,
    ),
  fc
    .tuple(fc.constantFrom('p', 'p', 'P'), register, fc.stringMatching(/^[0-9a-fx]{0,8}$/))
    .map(([name, n, value]) => (name === 'p' ? `p${n}` : `P${n}=${value}`)),
  fc
    .tuple(
      fc.constantFrom(
        'Hg',
        'Hc',
        'H',
        'T',
        'qThreadExtraInfo,',
        'qAttached:',
        'vAttach;',
        'vKill;',
        'D;',
        'vRun;',
      ),
      id,
    )
    .map((it) => it.join('')),
  fc.array(action, { minLength: 1, maxLength: 3 }).map((all) => `vCont;${all.join(';')}`),
  fc
    .tuple(
      fc.constantFrom(
        'qXfer:threads:read::',
        'qXfer:features:read:target.xml:',
        'qXfer:features:read:x:',
        'qXfer:memory-map:read::',
      ),
      address,
      size,
    )
    .map(([name, at, length]) => `${name}${at},${length}`),
  fc
    .tuple(
      fc.constantFrom('qSupported:', 'qRcmd,', 'G', 'X', 'M', 'm', 'Z', 'v', 'q', 'Q', ''),
      fc.string({ unit: 'binary-ascii', maxLength: 40 }),
    )
    .map((it) => it.join('')),
);

/** Sends a packet, and sees that it has one answer: now, or when the machine has stopped, which it is told to then. */
async function answered(it: Debugged, { server, next }: Client, sent: string[], data: string): Promise<void> {
  sent.length = 0;
  server.receive(encodePacket(data));
  if (sent.length > 0) {
    expect(sent).toHaveLength(1);
    expect(await next()).toMatch(data.startsWith('?') ? STOP : ANSWER);
    if (data === 'D' && sent[0] === encodePacket('OK')) it.debuggee.attach();
    return;
  }
  // It is killed, or runs, and nothing can be asked meanwhile.
  if (data.startsWith('k')) {
    await it.run;
    return;
  }
  server.receive(encodePacket('g'));
  expect(sent).toEqual([]);
  server.receive('\x03');
  expect(await next()).toMatch(STOP);
  expect(sent).toHaveLength(1);
}

test(
  'each packet has one answer, and the machine stands still while it is asked',
  { timeout: 120_000 },
  async () => {
    let isOver = false;
    const begin = async (): Promise<Debugged> => {
      const machine = await debuggedMachine();
      isOver = false;
      void machine.run.then(() => (isOver = true));
      return machine;
    };
    let it = await begin();
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.array(packet, { maxLength: 20 }), async (apart, packets) => {
        // What is done to a machine may be its end.
        if (isOver) it = await begin();
        it.debuggee.attach();
        const sent: string[] = [];
        const debugger_ = client(it, (text) => sent.push(...(text.match(/\$[^#]*#../g) ?? [])));
        const { ask } = debugger_;
        await ask('QStartNoAckMode');
        if (apart) await ask('qSupported:multiprocess+;hwbreak+;swbreak+').then(() => ask('!'));
        for (const data of packets) await Promise.race([answered(it, debugger_, sent, data), it.run]);
        it.debuggee.detach();
      }),
      { numRuns: 40 * TIMES },
    );
    it.session.leave('enough');
    await it.run;
  },
);

describe('the line', () => {
  test('whatever comes over it, something of the protocol goes back', async () => {
    const it = await debuggedMachine();
    const piece = fc.oneof(
      fc.string({ unit: 'binary-ascii' }),
      fc.constantFrom('$', '#', '}', '\x03', '+', '-', '$m0,4#fd', '$g#67', '$vCont;c#a8'),
      packet.map(encodePacket),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        let sent = '';
        const server = createGdbServer(
          it.debuggee,
          (text) => (sent += text),
          () => undefined,
        );
        for (const text of pieces) server.receive(text);
        expect(sent).toMatch(/^(?:[+-]|\$[^#$]*#[0-9a-f]{2})*$/);
      }),
      { numRuns: 300 * TIMES },
    );
    it.session.leave('enough');
    await it.run;
  });

  test('a packet whose sum is wrong is asked for again and does nothing, one without end is dropped', async () => {
    const it = await debuggedMachine();
    let sent = '';
    const { receive } = createGdbServer(
      it.debuggee,
      (text) => (sent += text),
      () => undefined,
    );
    const pc = it.pi.cpu.cores[0]!.register(15);
    receive('$Pf=44332211#00');
    expect(sent).toBe('-');
    expect(it.pi.cpu.cores[0]!.register(15)).toBe(pc);
    sent = '';
    receive('$');
    for (let i = 0; i < 100; i++) receive('0'.repeat(LONGEST_PACKET));
    expect(sent).toBe('');
    receive(encodePacket('?'));
    expect(sent).toBe(`+${encodePacket('T02thread:1;')}`);
    // Points are many, but not without end.
    sent = '';
    for (let i = 0; i < 2000; i++) receive(encodePacket(`Z1,${hex(4 * i)},4`));
    expect(sent.match(/\+\$(?:OK|E1c)#/g)).toHaveLength(2000);
    expect(sent.match(/E1c/g)).toHaveLength(2000 - 1024);
    it.session.leave('enough');
    await it.run;
  });

  test('who breaks off lets the machine go on, who asks and reads nothing waits, a second one is sent away', async () => {
    const it = await debuggedMachine();
    let answers = 0;
    const port = await openGdbPort(0, (send) => {
      it.debuggee.attach();
      const { receive } = createGdbServer(
        it.debuggee,
        (text) => {
          answers += text.length;
          send(text);
        },
        () => undefined,
      );
      return {
        receive,
        gone: () => {
          it.debuggee.detach();
        },
      };
    });
    const first = createConnection(port.port, '127.0.0.1');
    await once(first, 'connect');
    const second = createConnection(port.port, '127.0.0.1');
    await once(second, 'close');
    // 100 MB of answers were it to get them all.
    first.pause();
    const before = it.session.now;
    for (let i = 0; i < 50; i++) first.write(encodePacket('m0,2000').repeat(100));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(answers).toBeGreaterThan(0);
    expect(answers).toBeLessThan(40e6);
    expect(it.session.now).toBe(before);
    first.destroy();
    while (it.session.now === before) await new Promise((resolve) => setTimeout(resolve, 10));
    // The next one finds it as it is, and in the middle of a packet it is gone.
    const third = createConnection(port.port, '127.0.0.1');
    third.write(`${encodePacket('vCont;c')}$m0,`);
    await once(third, 'data');
    third.destroy();
    await once(third, 'close');
    port.close();
    it.session.leave('enough');
    expect(await it.run).toBe('enough');
  });
});
