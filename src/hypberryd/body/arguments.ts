/** The arguments of a command: options, and names of guests. */
import * as L from '../shared/layout.js';
import { beginError, endError, print, printForeign } from './output.js';
import { DONE, FAILED } from './statuses.js';
import { isText } from './texts.js';

/** Options that a command may have, bits; NAMES and ONE_NAME say how many names of guests it wants. */
export const JSON: u32 = 1;
export const NAMES_ALONE: u32 = 2;
export const TIMEOUT: u32 = 4;
export const GROUP: u32 = 8;
export const NAMES: u32 = 16;
export const ONE_NAME: u32 = 32;
export const FILE: u32 = 64;
export const SYSLOG: u32 = 128;
export const DISABLE: u32 = 256;

/** Seconds of --timeout where it is not said, and the most. */
const SECONDS: u32 = 30;
const MOST_SECONDS: u32 = 86_400;
/** The first argument behind the command. */
const FIRST: i32 = 2;
const HYPHEN: u8 = 0x2d;
const ZERO: u32 = 0x30;

/** What was said. */
@unmanaged
export class Arguments {
  count: i32;
  argv: usize;
  /** Options, bits. */
  options: u32;
  seconds: u32;
  /** What stands behind --group or --file; 0 where neither is there. */
  text: usize;
  names: i32;
}

if (offsetof<Arguments>() > <usize>L.ARGUMENTS_SIZE) ERROR('layout of Arguments');

// @inline
export function said(): Arguments {
  return changetype<Arguments>(<usize>L.ARGUMENTS);
}

/** Refuses an argument; gives the exit status. */
export function refuse(sentence: string, argument: usize, code: string): i32 {
  beginError();
  print(sentence);
  print(' "');
  printForeign(argument);
  print('".');
  endError(code, '"hypberryd --help" says what there is.');
  return FAILED;
}

/** Argument n; the command is number 1. */
// @inline
function argumentAt(n: i32): usize {
  return load<usize>(said().argv + 4 * <usize>n);
}

/** A number of seconds; -1 where it is none. */
function secondsOf(at: usize): i32 {
  let value: u32 = 0;
  if (load<u8>(at) == 0) return -1;
  for (; load<u8>(at) != 0; at++) {
    const digit: u32 = load<u8>(at) - ZERO;
    value = value * 10 + digit;
    if (digit > 9 || value > MOST_SECONDS) return -1;
  }
  return <i32>value;
}

/** The option that an argument is, a bit; 0 for none. */
function optionOf(argument: usize): u32 {
  if (isText(argument, '--json')) return JSON;
  if (isText(argument, '--names')) return NAMES_ALONE;
  if (isText(argument, '--disable')) return DISABLE;
  if (isText(argument, '--timeout')) return TIMEOUT;
  if (isText(argument, '--file')) return FILE;
  if (isText(argument, '--syslog')) return SYSLOG;
  return isText(argument, '--group') ? GROUP : 0;
}

/** Whether a value stands behind an option. */
function hasValue(option: u32): bool {
  return (option & (TIMEOUT | GROUP | FILE)) != 0;
}

/**
 * Reads what stands behind the command.
 * @param wanted options that it may have, and how many names
 * @returns the exit status
 */
export function readArguments(count: i32, argv: usize, wanted: u32): i32 {
  const it = said();
  it.count = count;
  it.argv = argv;
  it.options = 0;
  it.seconds = SECONDS;
  it.text = 0;
  it.names = 0;
  for (let n: i32 = FIRST; n < count; n++) {
    const argument = argumentAt(n);
    const option = optionOf(argument) & wanted;
    it.options |= option;
    if (hasValue(option)) {
      n++;
      if (n == count) return refuse('Nothing stands behind', argument, 'usage.value');
      const value = argumentAt(n);
      if (option != TIMEOUT) it.text = value;
      else {
        const seconds = secondsOf(value);
        if (seconds < 0) return refuse('A number of seconds, up to a day, is not', value, 'usage.value');
        it.seconds = <u32>seconds;
      }
    } else if (option == 0) {
      const isWanted = load<u8>(argument) != HYPHEN && (wanted & (NAMES | ONE_NAME)) != 0;
      if (!isWanted || ((wanted & ONE_NAME) != 0 && it.names == 1))
        return refuse('There is no use for', argument, 'usage.too-many');
      it.names++;
    }
  }
  if (it.names > 0 || (wanted & (NAMES | ONE_NAME)) == 0) return DONE;
  return refuse('There is no name of a guest behind', argumentAt(1), 'usage.no-name');
}

/** Name n, from 0 on, of those that were read. */
export function nameAt(n: i32): usize {
  let i: i32 = FIRST;
  while (true) {
    const option = optionOf(argumentAt(i)) & said().options;
    if (hasValue(option)) i++;
    else if (option == 0 && n-- == 0) return argumentAt(i);
    i++;
  }
}
