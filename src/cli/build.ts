/** `hypberry build`: the boot block as files, and its listing. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { buildBootBlock, buildStub, isBootBlock } from '../boot/block.js';
import { listing } from '../boot/listing.js';
import { writeOwnFiles } from '../node/own-files.js';
import { bytesText, say, sayAside, sayJson, sayResult } from './output.js';

export interface BuildOptions {
  readonly out?: string;
  readonly tree?: number;
  readonly listing?: boolean;
  readonly json?: boolean;
}

/** Writes bootblk.bin and hypberry-stub.bin into a folder, made where it is missing, and prints what they are. */
export async function build(options: BuildOptions): Promise<void> {
  const files = [
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
  ].map((file) => ({ ...file, sha256: createHash('sha256').update(file.data).digest('hex') }));
  const { out } = options;
  if (out !== undefined) {
    // A block with a kernel behind it is the user's.
    const isOurs = (there: Uint8Array, data: Uint8Array): boolean =>
      there.length === data.length && isBootBlock(there);
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
