/** Two small systems to show a guest with: each an initramfs of busybox and a script. */
import { readFile } from 'node:fs/promises';
import { busyboxArchive } from './initramfs.js';

/** What the host's system prints in front of the guest's answer. */
export const ANSWER = 'web says: ';

/** The guest's console on the host, behind the board's two UARTs and the hypervisor's messages. */
const CONSOLE = '/dev/ttyAMA3';

/** The host asks the guest's shell for its kernel, on the guest's console. */
const HOST = `{
  stty raw -echo
  while read -r line; do
    case $line in
      *"built-in shell"*) echo 'uname -nrm' >${CONSOLE} ;;
      "(none) "*) echo "${ANSWER}$line" ;;
    esac
  done
} <${CONSOLE} &`;

/**
 * The host's and the guest's initramfs.
 * @param busybox path of a static one for 32-bit Arm
 */
export async function demoSystems(busybox: string): Promise<{ host: Uint8Array; guest: Uint8Array }> {
  const program = await readFile(busybox);
  return {
    host: busyboxArchive(program, HOST, ['stty']),
    guest: busyboxArchive(program, '', ['uname']),
  };
}
