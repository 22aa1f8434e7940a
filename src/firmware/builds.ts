/** What is known of firmware by the day on which it was built. */
import { hex } from '../base/words.js';

/** Year, month from 1, day. */
type Day = readonly [number, number, number];

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Builds after the last release that was good, up to the last that was reported, and the report. */
const REPORTED: readonly { readonly after: Day; readonly to: Day; readonly report: string }[] = [
  {
    after: [2019, 10, 12],
    to: [2019, 10, 21],
    report: 'the release of 21 October 2019 did not start a Pi 2 (raspberrypi/firmware, issue 1277)',
  },
  {
    after: [2020, 6, 1],
    to: [2020, 7, 23],
    report:
      'the releases 1.20200717 and 1.20200723 did not start a Pi 2, and 1.20200601 did (raspberrypi/firmware, issue 1453)',
  },
  // The one that mends it was published on the 15th; it is taken to have been built then too.
  {
    after: [2020, 12, 7],
    to: [2020, 12, 14],
    report: 'that of the days before 15 December 2020 started no Pi 2 (raspberrypi/firmware, issue 1511)',
  },
  // One of 20 January starts (issue 1696).
  {
    after: [2021, 11, 18],
    to: [2022, 1, 19],
    report: 'the release 1.20220118 started no model (raspberrypi/firmware, issue 1686)',
  },
];

/**
 * What users reported of firmware built in the same days, a sentence; undefined where nothing is known. Which builds have the
 * fault is not known more closely: the threads do not say what it was.
 * @param date as `StartElf.buildDate` has it
 */
export function reportOnBuild(date: string | undefined): string | undefined {
  const found = REPORTED.find(({ after, to }) => isBuiltBy(date, to) && !isBuiltBy(date, after));
  return (
    found &&
    `This firmware (${date}) may not start a Pi 2: by reports, ${found.report}. Another release of it can be put on the card.`
  );
}

/**
 * The report on `kernel_old=1` was written on 9 July 2025. It names the first build by its revision (b208f8c7ce), whose day
 * is not known: firmware of that year and later is taken to be meant. It was open when last seen.
 */
const LAST_BEFORE_DAMAGE: Day = [2024, 12, 31];
/** What was seen to be written over, of a file of 2 MB. */
const DAMAGED = { FROM: 0x8_0008, TO: 0x8_01b8, REST_FROM: 0x26_8780 } as const;

/**
 * Why it is not known whether firmware leaves a file whole that `kernel_old=1` puts at 0, a sentence; undefined where nothing
 * speaks against it.
 * @param date as `StartElf.buildDate` has it
 * @param size of the file, bytes
 */
export function doubtKernelOld(date: string | undefined, size: number): string | undefined {
  if (date === undefined || isBuiltBy(date, LAST_BEFORE_DAMAGE) || size <= DAMAGED.FROM) return undefined;
  return `Whether this firmware (${date}) leaves the file whole that kernel_old=1 puts at 0 is not known: by a report of July 2025, firmware of that year writes over ${hex(DAMAGED.FROM)} to ${hex(DAMAGED.TO)} and all from ${hex(DAMAGED.REST_FROM)} on (raspberrypi/firmware, issue 1979, of 64-bit kernels on a Pi 3 and a Pi 400).`;
}

/** Whether a date, as `StartElf.buildDate` has it, is known and not later than a day. */
export function isBuiltBy(date: string | undefined, [year, month, day]: Day): boolean {
  const [, name = '', ofMonth, ofYear] = /^(\w{3}) +(\d+) (\d+)$/.exec(date ?? '') ?? [];
  if (name === '') return false;
  const [years, months, days] = [
    Number(ofYear) - year,
    MONTHS.indexOf(name) + 1 - month,
    Number(ofMonth) - day,
  ];
  return (years || months || days) <= 0;
}
