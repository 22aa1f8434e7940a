/**
 * Random bytes for guests. The board's generator gives a key of 256 bits before any machine runs; from then on it is the
 * host's, which has random bytes of its own go into the key. ChaCha20 (RFC 8439, 2.3) makes blocks of the key. The first half of each is the next key, so that nobody who
 * sees the memory later learns what was given before.
 */
import { HOST_PAGE, HOST_RANDOM, RANDOM_SIZE } from '../../../channel/layout.js';
import {
  CTRL,
  CTRL_RBGEN,
  DATA,
  INT_MASK,
  INT_MASK_OFF,
  STATUS,
  STATUS_AVAILABLE,
} from '../generated/rng.js';
import { CLO } from '../generated/system-timer.js';
import * as L from '../../shared/layout.js';
import { CNTPCT, barrier, mmio, shared } from '../intrinsics.js';
import { lock, unlock } from './locks.js';
import { configuration } from './vm.js';

// @external('address', 'random')
declare function random(): usize;

/** Bytes of a row of ChaCha20's state, four words: a row that is "expand 32-byte k", two of key, one that differs. */
const ROW: usize = 16;
const KEY_SIZE: usize = 2 * ROW;
const ROUNDS: u32 = 20;
/** Cycles of the generator that are thrown away when it begins (Linux, drivers/char/hw_random/bcm2835-rng.c). */
const WARMUP: u32 = 0x40000;
/** Microseconds that its numbers are waited for. */
const PATIENCE: u32 = 1_000_000;

// @inline
function keyAt(): usize {
  return random() + L.RANDOM_INPUT + ROW;
}

/** The system timer, which no other peripheral's access overtakes. */
function microseconds(): u32 {
  barrier.dsb();
  const now = mmio.read32(CLO);
  barrier.dsb();
  return now;
}

/**
 * Makes the key, and leaves the generator on or off as it was. The MMU is off. Where the generator gives nothing there is
 * no key.
 */
export function seedRandom(): void {
  const began = microseconds();
  const control = mmio.read32(CTRL);
  if ((control & CTRL_RBGEN) == 0) {
    mmio.write32(STATUS, WARMUP);
    mmio.write32(INT_MASK, mmio.read32(INT_MASK) | INT_MASK_OFF);
    mmio.write32(CTRL, control | CTRL_RBGEN);
  }
  let made: usize = 0;
  do
    if (mmio.read32(STATUS) & STATUS_AVAILABLE) {
      store<u32>(keyAt() + made, mmio.read32(DATA));
      made += 4;
    }
  while (made < KEY_SIZE && microseconds() - began < PATIENCE);
  mmio.write32(CTRL, control);
  if (made < KEY_SIZE) return;
  const input = random() + L.RANDOM_INPUT;
  store<u32>(input, 0x61707865); // expa
  store<u32>(input + 4, 0x3320646e); // nd 3
  store<u32>(input + 8, 0x79622d32); // 2-by
  store<u32>(input + 12, 0x6b206574); // te k
  store<u32>(random() + L.RANDOM_SEEDED, 1);
}

/** Whether there are random bytes. */
export function isSeeded(): bool {
  return load<u32>(random() + L.RANDOM_SEEDED) != 0;
}

/** A quarter round on four words (RFC 8439, 2.1). */
function quarterRound(first: usize, second: usize, third: usize, fourth: usize): void {
  let a = load<u32>(first);
  let b = load<u32>(second);
  let c = load<u32>(third);
  let d = load<u32>(fourth);
  a += b;
  d = rotl(d ^ a, 16);
  c += d;
  b = rotl(b ^ c, 12);
  a += b;
  d = rotl(d ^ a, 8);
  c += d;
  b = rotl(b ^ c, 7);
  store<u32>(first, a);
  store<u32>(second, b);
  store<u32>(third, c);
  store<u32>(fourth, d);
}

/** Makes the block of the input as it stands. */
function makeBlock(input: usize, block: usize): void {
  for (let i: usize = 0; i < 4 * ROW; i += 4) store<u32>(block + i, load<u32>(input + i));
  for (let round: u32 = 0; round < ROUNDS; round++) {
    // Columns, then diagonals.
    const turn: usize = (round & 1) << 2;
    for (let n: usize = 0; n < ROW; n += 4)
      quarterRound(
        block + n,
        block + ROW + ((n + turn) & (ROW - 1)),
        block + 2 * ROW + ((n + 2 * turn) & (ROW - 1)),
        block + 3 * ROW + ((n + 3 * turn) & (ROW - 1)),
      );
  }
  for (let i: usize = 0; i < 4 * ROW; i += 4)
    store<u32>(block + i, load<u32>(block + i) + load<u32>(input + i));
}

/**
 * The host has rung: what it has of random bytes goes into the key, which becomes no worse of it whatever they are. No lock
 * is held.
 */
export function takeHostRandom(): void {
  const from = configuration(L.CONFIG_CHANNEL) + HOST_PAGE + HOST_RANDOM;
  lock(random() + L.RANDOM_LOCK);
  for (let i: usize = 0; i < <usize>RANDOM_SIZE; i += 4) {
    const at = keyAt() + (i & (KEY_SIZE - 1));
    store<u32>(at, load<u32>(at) ^ shared.load32(from + i));
  }
  unlock(random() + L.RANDOM_LOCK);
}

/**
 * Puts random bytes into a machine's memory, L.RNG_SEED_SIZE of them.
 * @param at in this core's window, a multiple of 4
 */
export function putRandom(at: usize): void {
  const input = random() + L.RANDOM_INPUT;
  const block = random() + L.RANDOM_BLOCK;
  lock(random() + L.RANDOM_LOCK);
  // Of what the key does not tell, the time: boards whose generators gave the same have it, too.
  store<u64>(input + 3 * ROW, CNTPCT.read());
  makeBlock(input, block);
  for (let i: usize = 0; i < KEY_SIZE; i += 4) {
    store<u32>(keyAt() + i, load<u32>(block + i));
    shared.store32(at + i, load<u32>(block + KEY_SIZE + i));
    store<u32>(block + i, 0);
    store<u32>(block + KEY_SIZE + i, 0);
  }
  unlock(random() + L.RANDOM_LOCK);
}

// What is given is a block's second half.
if (<usize>L.RNG_SEED_SIZE != KEY_SIZE) ERROR('size of a seed');
