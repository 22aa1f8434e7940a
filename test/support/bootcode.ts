/** Texts as they lie in bootcode.bin: each ended by a NUL and filled up to 4 bytes, between something else. */
export function bootcodeOf(texts: readonly string[]): Uint8Array {
  const body = texts.map((text) => text.padEnd(Math.ceil((text.length + 1) / 4) * 4, '\0')).join('');
  return Uint8Array.from([0x81, 0x03, 0x21, 0x03, ...new TextEncoder().encode(body), 0xa4, 0x03, 0x01, 0xb0]);
}

/** What bootcode.bin of 2015 and of today knows that matters here. */
export const BOOTCODE_2015 = bootcodeOf([
  'startx',
  'start_x',
  'gpu_mem',
  'total_mem',
  'start_file',
  'autoboottxt',
  'start_cdelf',
  'recoveryelf',
  'boot_partition',
]);
export const BOOTCODE_TODAY = bootcodeOf([
  'all',
  'pi0',
  'pi1',
  'pi2',
  'pi3',
  'pi4',
  'pi0w',
  'pi3+',
  'none',
  'gpio=',
  'tryboot',
  'board-type',
  'some code, and then',
  'startx',
  'start_x',
  'gpu_mem',
  'total_mem',
  'start_file',
  'tryboot_a_b',
  'boot_partition',
  'autoboot.txt',
  'tryboot.txt',
  'recovery.elf',
  'Trying USB',
]);
