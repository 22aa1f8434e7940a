/** A file whose bytes stand in the machine's memory when it starts. */
export interface LoadedFile {
  readonly path: string;
  /** Physical address of its first byte. */
  readonly address: number;
}

/**
 * The command line that makes QEMU a handed-over Raspberry Pi 2: `files` in memory, all four cores at address 0
 * in Secure SVC mode, the PL011 on standard output.
 *
 * The generic loader leaves the start of the cores alone, where `-kernel` would put QEMU's own boot code in front
 * (QEMU manual, "Generic Loader"; `raspi2b` is the name since QEMU 5.1).
 * @param more further arguments, in QEMU's own words
 */
export function qemuArguments(files: readonly LoadedFile[], more: readonly string[] = []): string[] {
  const loaders = files.flatMap(({ path, address }) => [
    '-device',
    // In QEMU's lists of options a comma that belongs to a value is doubled.
    `loader,file=${path.replaceAll(',', ',,')},addr=0x${address.toString(16)},force-raw=on`,
  ]);
  return [
    ...['-machine', 'raspi2b', '-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-no-reboot'],
    ...loaders,
    ...more,
  ];
}
