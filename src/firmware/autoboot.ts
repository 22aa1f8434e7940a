/** Which partition bootcode.bin goes on with: `boot_partition` in autoboot.txt and in config.txt. */
import type { CardReader } from '../card/card.js';
import type { Bootcode } from './bootcode.js';
import { describeNote, numberSetting, PI2, readConfig, type BoardState, type Config } from './config.js';
import { bootcodeReading } from './readers.js';

/** What bootcode.bin reads before config.txt, on the partition that it came from. */
export const AUTOBOOT = 'autoboot.txt';

/** Bytes of autoboot.txt that count (documentation, "autoboot.txt"). */
const AUTOBOOT_SIZE = 512;

const BOOT_PARTITION = 'boot_partition';

/** What a file says of the partition to go on with. */
export interface BootPartition {
  /** As Linux numbers them; 0 is the default one (documentation, "autoboot.txt"). */
  readonly partition: number;
  /** The same for a start that `reboot "0 tryboot"` asked for; undefined where it is the same, or not known. */
  readonly tryboot: number | undefined;
  /** The line, for people: `autoboot.txt, line 2: boot_partition=2`. */
  readonly line: string;
  /** One sentence each. */
  readonly notes: readonly string[];
}

/** A file of which it is not known where it sends the firmware, and why, a sentence. */
export interface Unsure {
  readonly unsure: string;
}

/**
 * Reads `boot_partition` in autoboot.txt or config.txt as bootcode.bin does: without `include`, and with the filters that
 * it knows. Undefined where no line that applies sets it, or the file is not there. autoboot.txt has no lines but those that
 * decide, so what is not known of one of them counts; of config.txt, the survey says it.
 * @param bootcode what the bootcode.bin says that reads it; undefined where it is not known: it is taken for one of today's
 */
export async function readBootPartition(
  card: CardReader,
  file: string,
  bootcode: Bootcode | undefined,
): Promise<BootPartition | Unsure | undefined> {
  const size = (await card.stat(file))?.size;
  if (size === undefined) return undefined;
  const counts =
    file === AUTOBOOT ? { ...card, read: (path: string) => card.read(path, 0, AUTOBOOT_SIZE) } : card;
  const read = (board: BoardState): Promise<Config> =>
    readConfig(counts, { board, file, ...bootcodeReading(bootcode) });
  const config = await read(PI2);
  const doubt = file === AUTOBOOT ? config.notes.find(({ unsure }) => unsure === true) : undefined;
  if (doubt) return { unsure: describeNote(doubt) };
  const setting = config.settings.get(BOOT_PARTITION);
  const partition = numberSetting(config, BOOT_PARTITION, undefined);
  if (!setting || partition === undefined) return undefined;

  const notes: string[] = [];
  if (file === AUTOBOOT && size > AUTOBOOT_SIZE)
    notes.push(
      `${AUTOBOOT} has ${size} bytes; what stands behind the first ${AUTOBOOT_SIZE} does not count.`,
    );
  const knowsFilters = bootcode === undefined || bootcode.filters.length > 0;
  if (!knowsFilters && /^\s*\[/m.test(new TextDecoder('latin1').decode(await counts.read(file))))
    notes.push(
      `This bootcode.bin is older than filters: all lines of ${file} apply, whatever section they stand in.`,
    );
  const knowsTryboot = knowsFilters && bootcode?.knowsTryboot !== false;
  const tryboot = knowsTryboot
    ? numberSetting(await read({ ...PI2, tryboot: true }), BOOT_PARTITION, undefined)
    : undefined;
  return {
    partition,
    tryboot: tryboot === partition ? undefined : tryboot,
    line: `${file}, line ${setting.line}: ${BOOT_PARTITION}=${setting.value}`,
    notes,
  };
}
