// Tables of constants: numbers, texts, bytes that change.
import { endOutput, print, printNumber } from '../../../src/hypberryd/body/output';

const CUBES: StaticArray<u32> = [0, 1, 8, 27, 64, 125, 216, 343];
const WIDE: StaticArray<u64> = [0x1_0000_0000, 0xfedc_ba98_7654_3210];
const SHORT: StaticArray<i16> = [-1, -32768, 32767];
const NAMES: StaticArray<string> = ['none', 'one', 'two', 'a longer one'];
const COUNTS: usize = memory.data<u16>([7, 0, 0xffff]);
const ZEROS: usize = memory.data(64);

function line(value: u32): void {
  printNumber(value);
  print('\n');
}

export function main(count: i32): i32 {
  for (let i = 0; i < CUBES.length; i++) line(CUBES[i]);
  for (let i = 0; i < WIDE.length; i++) {
    line(<u32>(WIDE[i] >> 32));
    line(<u32>WIDE[i]);
  }
  for (let i = 0; i < SHORT.length; i++) line(<u32>(SHORT[i] + 32768));
  for (let i = count; i < NAMES.length; i++) {
    print(NAMES[i]);
    print('\n');
  }
  for (let i: usize = 0; i < 3; i++) {
    store<u16>(COUNTS + 2 * i, load<u16>(COUNTS + 2 * i) + 1);
    line(load<u16>(COUNTS + 2 * i));
  }
  line(load<u32>(ZEROS, 60));
  store<u32>(ZEROS, 5, 60);
  line(load<u32>(ZEROS, 60));
  return endOutput();
}
