/** `hypberry build`: the boot block as files, its listing, and the image that tests a board. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { bytesText } from '../base/words.js';
import { buildBootBlock, buildStub, isBootBlock } from '../boot/block.js';
import { listing } from '../boot/listing.js';
import { writeOwnFiles } from '../node/own-files.js';
import { noteWriting, say, sayAside, sayJson, sayResult } from './output.js';

export interface BuildOptions {
  readonly out?: string;
  readonly tree?: number;
  readonly listing?: boolean;
  readonly selftest?: boolean;
  readonly json?: boolean;
}

interface Built {
  readonly name: string;
  readonly data: Uint8Array;
  readonly use: string;
}

async function selftestFile(): Promise<Built> {
  // It takes the hypervisor's second of translation.
  const { buildSelftest, SELFTEST_FILE, SELFTEST_LINES } = await import('../selftest/image.js');
  return {
    name: SELFTEST_FILE,
    data: buildSelftest(),
    use: `put it on the boot partition, and behind all else in config.txt: ${['[all]', ...SELFTEST_LINES].join(', ')}`,
  };
}

/**
 * Writes bootblk.bin and hypberry-stub.bin, or the image that tests a board, into a folder, made where it is missing, and
 * prints what they are.
 */
export async function build(options: BuildOptions): Promise<void> {
  const blocks: readonly Built[] = [
    {
      name: 'bootblk.bin',
      data: buildBootBlock(options.tree),
      use: 'put it in front of a kernel with cat, kernel_old=1',
    },
    {
      name: 'hypberry-stub.bin',
      data: buildStub({ ...(options.tree === undefined ? {} : { tree: options.tree }) }),
      use: 'name it in config.txt, armstub=hypberry-stub.bin',
    },
  ];
  const built = options.selftest ? [await selftestFile()] : blocks;
  const files = built.map((file) => ({
    ...file,
    sha256: createHash('sha256').update(file.data).digest('hex'),
  }));
  const { out } = options;
  if (out !== undefined) {
    const isKind = options.selftest ? (await import('../selftest/image.js')).isSelftest : isBootBlock;
    // A block with a kernel behind it is the user's.
    const isOurs = (there: Uint8Array, data: Uint8Array): boolean =>
      there.length === data.length && isKind(there);
    noteWriting();
    await writeOwnFiles(out, files, isOurs, sayAside);
  }
  if (options.json) {
    sayJson({
      folder: options.out ?? null,
      files: files.map(({ name, data, sha256 }) => ({ name, size: data.length, sha256 })),
      ...(options.listing ? { listing: listing() } : {}),
    });
    return;
  }
  if (options.listing) {
    for (const line of listing()) sayResult(line);
    return;
  }
  for (const { name, data, sha256, use } of files) {
    sayResult(`${name}: ${bytesText(data.length)}; ${use}`);
    say(`  sha256 ${sha256}`);
  }
  say(
    options.out === undefined
      ? 'Nothing written: say where with --out FOLDER.'
      : `Written to ${resolve(options.out)}`,
  );
}
