/** What the hypervisor answers when the host sends lines to its own console. */
import { expect, test } from 'vitest';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { assembler } from '../../src/isa/assembler.js';
import { r0, r1, r2 } from '../../src/isa/registers.js';
import { NEAR_UARTS } from '../../src/hypervisor/shared/layout.js';
import { consoleText, guest, handoverOf, load, smallGuest, smallImage } from './payloads.js';

const SYSTEM_OFF = 0x8400_0008;
const idle = Uint8Array.of(0xfe, 0xff, 0xff, 0xea);
const off = smallGuest((a) => {
  load(a, r0, SYSTEM_OFF);
  a.hvc(0);
});
/** Rounds of a loop between two lines. */
const WAIT = 0x40_0000;

/** A host that sends lines to the hypervisor, some time apart. */
function sender(lines: readonly string[]): Uint8Array {
  const a = assembler(0);
  const end = a.label('end');
  for (const line of lines) {
    const wait = a.label('wait');
    load(a, r0, WAIT);
    a.at(wait);
    a.subs(r0, r0, 1);
    a.bne(wait);
    load(a, r1, NEAR_UARTS);
    for (const byte of new TextEncoder().encode(line)) {
      a.mov(r2, byte);
      a.str(r2, [r1]);
    }
  }
  a.at(end);
  a.wfi();
  a.b(end);
  return a.assemble();
}

/** What the hypervisor says when a host of its own sends lines. */
async function said(lines: readonly string[]): Promise<string[]> {
  const image = smallImage(sender(lines), [
    guest(idle, { name: 'web', cores: [2, 3] }),
    guest(off, { name: 'db', cores: [2] }),
  ]);
  const pi = await createBuiltInPi(handoverOf(image), () => undefined);
  pi.run(400_000_000);
  return consoleText(image, pi.cpu.memory.observe(), -1).trimEnd().split('\r\n');
}

test('state: timers, routing, memory and guests', async () => {
  const lines = await said(['state\n', 'state\r\n']);
  const answers = lines.slice(lines.indexOf('hypberry: end of state') + 1);
  const counts = lines
    .map((it) => /^hypberry: core timers counted 0x(\w{8}) at microsecond 0x(\w{8})$/.exec(it))
    .flatMap((it) => (it ? [{ ticks: parseInt(it[1]!, 16), microseconds: parseInt(it[2]!, 16) }] : []));
  expect(answers).toEqual([
    'hypberry: core timers, control 0x00000000, prescaler 0x80000000, CNTFRQ 0x0124f800',
    expect.stringMatching(/^hypberry: core timers counted /),
    expect.stringMatching(/^hypberry: core 0, timers routed 0x[0-9a-f]{8}, mailboxes routed 0x[0-9a-f]{8}$/),
    expect.stringMatching(/^hypberry: core 1, /),
    // QA7 4.6, 4.7: HYP timer, of who runs also virtual timer, and mailbox 1 interrupt a guests' core.
    expect.stringMatching(/^hypberry: core 2, timers routed 0x0000000[4c], mailboxes routed 0x00000002$/),
    'hypberry: core 3, timers routed 0x00000004, mailboxes routed 0x00000002',
    expect.stringMatching(/^hypberry: this core, ACTLR 0x[0-9a-f]{8}, GPU routed 0x00000000$/),
    "hypberry: memory, the host's to 0x03600000, all to 0x04000000",
    'hypberry: web: 1 of its CPUs on',
    'hypberry: db: powered off',
    'hypberry: end of state',
  ]);
  expect(counts).toHaveLength(2);
  const [first, second] = counts;
  const rate = (second!.ticks - first!.ticks) / (second!.microseconds - first!.microseconds);
  expect(rate).toBeCloseTo(19.2, 2);
});

test('to all else it says nothing: what it says itself may be echoed back to it', async () => {
  const echoed = [
    'hypberry: web: started\r\n',
    'states\n',
    'stat\n',
    '\n',
    'end of state\r\n',
    `${'x'.repeat(5000)}\n`,
  ];
  expect((await said(echoed)).sort()).toEqual([
    'hypberry: 4 cores in HYP mode, host on cores 0 to 1',
    ...['hypberry: db: powered off', 'hypberry: db: started', 'hypberry: web: started'],
  ]);
  expect(await said([...echoed, 'state\n'])).toContain('hypberry: end of state');
});
