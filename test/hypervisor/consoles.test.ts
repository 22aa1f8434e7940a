import { expect, test } from 'vitest';
import { assembler } from '../../src/isa/assembler.js';
import { lsr, r0, r1, r2, r3, r4 } from '../../src/isa/registers.js';
import * as reg from '../../src/isa/system-registers.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { LOG_SIZE } from '../../src/channel/layout.js';
import { NEAR_UARTS } from '../../src/hypervisor/shared/layout.js';
import { consoleText, guest, GUEST_UART, handoverOf, load, smallGuest, smallImage } from './payloads.js';
import { ramView } from '../support/ram.js';

/** How much stands in the log when the guest begins, and how much there will have been: more than a log holds. */
const BEFORE = LOG_SIZE - 1000;
const SENT = LOG_SIZE + 1234;
const FOUND = 0x2000;
const READ = 64;

/** Byte n that the guest sends. */
const byte = (n: number): number => (n ^ (n >>> 8)) & 0xff;

const talker = smallGuest((a) => {
  const [wait, again, end] = [a.label('wait'), a.label('again'), a.label('end')];
  load(a, r0, 1_000_000);
  a.at(wait);
  a.subs(r0, r0, 1);
  a.bne(wait);
  load(a, r0, GUEST_UART);
  load(a, r3, SENT);
  load(a, r1, BEFORE);
  a.at(again);
  a.eor(r2, r1, r1, lsr(8));
  a.str(r2, [r0]);
  a.add(r1, r1, 1);
  a.cmp(r1, r3);
  a.bne(again);
  a.at(end);
  a.wfi();
  a.b(end);
});

/** Listens from the first, and reads after some milliseconds only: what comes then stands at FOUND. */
function lateReader(ms: number): Uint8Array {
  const a = assembler(0);
  const [again, end] = [a.label('again'), a.label('end')];
  load(a, r3, NEAR_UARTS + 0x1000);
  load(a, r0, 0x301);
  a.str(r0, [r3, 0x30]);
  load(a, r0, 0x4000_0040);
  // What else stands there is the hypervisor's.
  a.ldr(r1, [r0]);
  a.orr(r1, r1, 8);
  a.str(r1, [r0]);
  load(a, r1, 19_200 * ms);
  a.mcr(reg.CNTV_TVAL, r1);
  a.mov(r1, 1);
  a.mcr(reg.CNTV_CTL, r1);
  const wait = a.label('wait');
  a.at(wait);
  a.wfi();
  // ISTATUS: the hypervisor's interrupts wake it, too.
  a.mrc(reg.CNTV_CTL, r0);
  a.tst(r0, 4);
  a.beq(wait);
  a.mov(r1, 0);
  a.mcr(reg.CNTV_CTL, r1);
  load(a, r4, FOUND);
  a.mov(r2, READ);
  a.at(again);
  a.ldr(r0, [r3]);
  a.strb(r0, [r4], 1);
  a.subs(r2, r2, 1);
  a.bne(again);
  a.at(end);
  a.wfi();
  a.b(end);
  return a.assemble();
}

test('a guest that nobody reads goes on; the log has the newest, and a late reader begins with the oldest there', async () => {
  const image = smallImage(lateReader(300), [guest(talker)]);
  const pi = await createBuiltInPi(handoverOf(image), () => undefined);
  const { log, written } = image.description.consoles[1]!;
  const view = ramView(pi.cpu);
  const started = (): boolean => consoleText(image, pi.cpu.memory.observe(), -1).includes('started');
  for (let ms = 1; ms < 10 && !started(); ms++) pi.run(ms * 1_000_000);
  // As if it had sent so much already.
  expect(view.getUint32(written, true)).toBe(0);
  view.setUint32(written, BEFORE, true);
  pi.cpu.memory.load(
    log,
    Uint8Array.from({ length: BEFORE }, (_, n) => byte(n)),
  );
  pi.run(320_000_000);
  expect(view.getUint32(written, true)).toBe(SENT);
  const expected = new Uint8Array(LOG_SIZE);
  for (let n = SENT - LOG_SIZE; n < SENT; n++) expected[n % LOG_SIZE] = byte(n);
  // By itself: so many bytes take toEqual() many seconds.
  expect(Buffer.compare(pi.cpu.memory.observe(log, LOG_SIZE).slice(), expected)).toBe(0);
  expect(pi.cpu.memory.observe(FOUND, READ).slice()).toEqual(
    Uint8Array.from({ length: READ }, (_, i) => byte(SENT - LOG_SIZE + i)),
  );
});
