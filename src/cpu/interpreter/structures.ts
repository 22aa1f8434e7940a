// VLD1 to VLD4, VST1 to VST4: elements one after another in memory, those of a structure in a register each.
import { OP_B, OP_IMM } from '../layout';
import {
  ADD_NOTHING,
  ADD_SIZE,
  STRUCTURE_ALIGNMENT,
  STRUCTURE_APART,
  STRUCTURE_COUNT,
  STRUCTURE_GROUPS,
  STRUCTURE_INDEX,
  STRUCTURE_SIZE,
} from '../micro-ops';
import { elementsToRead, elementsToWrite } from './access';
import { options, vd } from './extension-registers';

/** Bytes of a D register. */
const DOUBLEWORD: u32 = 8;

// @ts-ignore: decorator
@inline
function sizeOf(how: u32): u32 {
  return 1 << ((how >>> STRUCTURE_SIZE) & 3);
}
// @ts-ignore: decorator
@inline
function countOf(how: u32): u32 {
  return ((how >>> STRUCTURE_COUNT) & 3) + 1;
}
/** How many bytes the registers of a structure are apart. */
// @ts-ignore: decorator
@inline
function apartOf(how: u32): u32 {
  return ((how >>> STRUCTURE_APART) & 3) * DOUBLEWORD;
}
// @ts-ignore: decorator
@inline
function base(rec: usize): u32 {
  return load<u32>(load<u8>(rec, OP_B));
}

/** Where the elements are; 0 where TypeScript has to look. An alignment that is wanted and not there is for it, too. */
// @ts-ignore: decorator
@inline
function placeOf(rec: usize, how: u32, bytes: u32, loads: bool): usize {
  const address = base(rec);
  if (address & ((1 << ((how >>> STRUCTURE_ALIGNMENT) & 7)) - 1)) return 0;
  const size = min<u32>(sizeOf(how), 4);
  return loads ? elementsToRead(address, size, bytes) : elementsToWrite(address, size, bytes);
}

function writeBack(rec: usize, bytes: u32): void {
  const added = <u32>load<u8>(rec, OP_IMM);
  if (added == ADD_NOTHING) return;
  store<u32>(load<u8>(rec, OP_B), base(rec) + (added == ADD_SIZE ? bytes : load<u32>(added)));
}

/** Moves one element. */
// @ts-ignore: decorator
@inline
function move(to: usize, from: usize, size: u32): void {
  if (size == 1) store<u8>(to, load<u8>(from));
  else if (size == 2) store<u16>(to, load<u16>(from));
  else if (size == 4) store<u32>(to, load<u32>(from));
  else store<u64>(to, load<u64>(from));
}

/** Copies doublewords that follow one another in memory and in the registers. */
// @ts-ignore: decorator
@inline
function copy(to: usize, from: usize, bytes: u32): void {
  store<u64>(to, load<u64>(from));
  for (let at: u32 = DOUBLEWORD; at < bytes; at += DOUBLEWORD) store<u64>(to + at, load<u64>(from + at));
}

/** Moves groups of structures of two elements or more, each of one register. */
function moveStructures(register: usize, place: usize, how: u32, loads: bool): void {
  const count = countOf(how);
  const groups = (how >>> STRUCTURE_GROUPS) & 7;
  const size = sizeOf(how);
  const apart = apartOf(how);
  for (let group: u32 = 0; group < groups; group++) {
    for (let at: u32 = 0; at < DOUBLEWORD; at += size) {
      for (let i: u32 = 0; i < count; i++) {
        const element = register + i * apart + at;
        if (loads) move(element, place, size);
        else move(place, element, size);
        place += size;
      }
    }
    register += DOUBLEWORD;
  }
}

/** The same of four elements of 8 to 32 bits in registers that follow one another: two structures' worth of words. */
function moveFours(register: usize, place: usize, size: u32, apart: u32, loads: bool): void {
  const second = register + apart;
  const third = second + apart;
  const fourth = third + apart;
  if (loads) {
    let first = v128.load(place);
    let last = v128.load(place, 16);
    if (size == 1) {
      first = transposedBytes(first);
      last = transposedBytes(last);
    } else if (size == 2) {
      first = v128.shuffle<u16>(first, first, 0, 4, 1, 5, 2, 6, 3, 7);
      last = v128.shuffle<u16>(last, last, 0, 4, 1, 5, 2, 6, 3, 7);
    }
    const lower = v128.shuffle<u32>(first, last, 0, 4, 1, 5);
    const upper = v128.shuffle<u32>(first, last, 2, 6, 3, 7);
    store<u64>(register, i64x2.extract_lane(lower, 0));
    store<u64>(second, i64x2.extract_lane(lower, 1));
    store<u64>(third, i64x2.extract_lane(upper, 0));
    store<u64>(fourth, i64x2.extract_lane(upper, 1));
    return;
  }
  const lower = i64x2.replace_lane(i64x2.splat(load<u64>(register)), 1, load<u64>(second));
  const upper = i64x2.replace_lane(i64x2.splat(load<u64>(third)), 1, load<u64>(fourth));
  let first = v128.shuffle<u32>(lower, upper, 0, 2, 4, 6);
  let last = v128.shuffle<u32>(lower, upper, 1, 3, 5, 7);
  if (size == 1) {
    first = transposedBytes(first);
    last = transposedBytes(last);
  } else if (size == 2) {
    first = v128.shuffle<u16>(first, first, 0, 2, 4, 6, 1, 3, 5, 7);
    last = v128.shuffle<u16>(last, last, 0, 2, 4, 6, 1, 3, 5, 7);
  }
  v128.store(place, first);
  v128.store(place, last, 16);
}

// @ts-ignore: decorator
@inline
function transposedBytes(x: v128): v128 {
  return v128.shuffle<u8>(x, x, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
}

/** Bytes of a group of four registers. */
const FOUR_REGISTERS: u32 = 32;

function transferMultiple(rec: usize, loads: bool): bool {
  const how = options(rec);
  const bytes = ((how >>> STRUCTURE_GROUPS) & 7) * countOf(how) * DOUBLEWORD;
  const place = placeOf(rec, how, bytes, loads);
  if (place == 0) return false;
  const register = vd(rec);
  // Elements that are no structures stand in memory as in the registers.
  if (countOf(how) == 1) {
    if (loads) copy(register, place, bytes);
    else copy(place, register, bytes);
  } else if (bytes == FOUR_REGISTERS && countOf(how) == 4)
    moveFours(register, place, sizeOf(how), apartOf(how), loads);
  else moveStructures(register, place, how, loads);
  writeBack(rec, bytes);
  return true;
}
export function loadMultiple(rec: usize): bool {
  return transferMultiple(rec, true);
}
export function storeMultiple(rec: usize): bool {
  return transferMultiple(rec, false);
}

function transferLane(rec: usize, loads: bool): bool {
  const how = options(rec);
  const size = sizeOf(how);
  const count = countOf(how);
  const place = placeOf(rec, how, count * size, loads);
  if (place == 0) return false;
  const first = vd(rec) + ((how >>> STRUCTURE_INDEX) & 7) * size;
  for (let i: u32 = 0; i < count; i++) {
    const element = first + i * apartOf(how);
    if (loads) move(element, place + i * size, size);
    else move(place + i * size, element, size);
  }
  writeBack(rec, count * size);
  return true;
}
export function loadLane(rec: usize): bool {
  return transferLane(rec, true);
}
export function storeLane(rec: usize): bool {
  return transferLane(rec, false);
}

/** One structure to all lanes; of single elements, to as many registers as there are groups. */
export function loadAll(rec: usize): bool {
  const how = options(rec);
  const size = sizeOf(how);
  const count = countOf(how);
  const place = placeOf(rec, how, count * size, true);
  if (place == 0) return false;
  const registers = count == 1 ? (how >>> STRUCTURE_GROUPS) & 7 : count;
  for (let i: u32 = 0; i < registers; i++) {
    const from = place + (count == 1 ? 0 : i * size);
    const value =
      size == 1
        ? <u64>load<u8>(from) * 0x0101010101010101
        : size == 2
          ? <u64>load<u16>(from) * 0x0001000100010001
          : <u64>load<u32>(from) * 0x0000000100000001;
    store<u64>(vd(rec) + i * apartOf(how), value);
  }
  writeBack(rec, count * size);
  return true;
}
