/** Programs of Debian's as files of an initramfs. */
import { debianProgram, type DebianProgram } from './inputs.js';
import { type ArchiveFile, treeOf } from './initramfs.js';

const LIBRARIES =
  /^(lib|usr|usr\/(lib|bin|sbin)|(usr\/)?lib\/(ld-[^/]*|arm-linux-gnueabihf)(\/[^/]*\.so[^/]*)?)$/;

/**
 * A program of Debian bookworm's with the libraries that it needs.
 * @param place its path, without a slash in front
 * @param more whether another path is wanted, and all above it
 * @throws HypberryError as {@link debianProgram}
 */
export async function programWithLibraries(
  name: DebianProgram,
  place = `usr/bin/${name}`,
  more: (path: string) => boolean = () => false,
): Promise<ArchiveFile[]> {
  return treeOf(await debianProgram(name), (path) => LIBRARIES.test(path) || path === place || more(path));
}
