/**
 * Where hypberryd is in its address space. Its body imports this file, too, so it holds nothing but constants. All of its
 * memory is here: nothing grows. Each process has its own.
 */

/** Of the code, and of the body's static data: texts and tables, which stand behind the headers in the file, and so in the page. */
export const TEXT = 0x1_0000;
export const DATA = 0x2_0100;

/** What changes, zeros at the beginning: the output's state, its buffer, and a path for the kernel. */
export const ARENA = 0x3_0000;
export const OUTPUT = ARENA;
export const OUTPUT_STATE_SIZE = 32;
export const OUTPUT_SIZE = 0x1000;
export const PATH = OUTPUT + OUTPUT_SIZE;
/** The longest that a kernel takes, its 0 included (Linux, include/uapi/linux/limits.h). */
export const PATH_SIZE = 0x1000;

/** Where the channel is mapped, and what the device tree says of it. */
export const CHANNEL = PATH + PATH_SIZE;
export const CHANNEL_STATE_SIZE = 0x80;
/** The record of the port that is looked at. */
export const RECORD = CHANNEL + 0x200;
/** What a process serves: a disk, or the network. */
export const SERVED = RECORD + 0x200;
/** The datagram of a guest's that is looked at. */
export const DATAGRAM = SERVED + 0x100;
export const OPTIONS = DATAGRAM + 0x40;
/** What it waits for: its state, and the kernel's list. */
export const WAITING = SERVED + 0x200;
/** What system calls take and give, as long as one of them needs it: times, what a file is, signals. */
export const SCRATCH = WAITING + 0x200;
export const SCRATCH_SIZE = 0x400;
/** What the supervisor keeps. */
export const SUPERVISOR = SCRATCH + SCRATCH_SIZE;
/** Its children, one a port. */
export const CHILDREN = 0x3_4000;

/** What the network's process knows of network cards, by port, and what it has asked the host's resolver. */
export const CARDS = 0x3_8000;
export const CARD_SIZE = 32;
export const QUESTIONS = CARDS + 0x400;
/** States of guests as they were read, and what the filter of a console keeps. */
export const STATES = 0x3_c000;
export const FILTER = 0x3_c400;
/** What a program that is not the service has of its own: the question that it asks, or its terminal's settings. */
export const OWN = 0x3_c500;
/** What its arguments say. */
export const ARGUMENTS = 0x3_c600;
export const ARGUMENTS_SIZE = 0x40;
/** A question that the service was asked: its bytes, and the vector of its arguments. */
export const QUESTION = 0x3_c700;
export const QUESTION_SIZE = 0x100;
export const QUESTION_ARGUMENTS = QUESTION + QUESTION_SIZE;
export const QUESTION_WORDS = 16;

/** Data between files or frames and the channel: as much as one request or frame has, in whole pages. */
export const BUFFER = 0x4_0000;
export const BUFFER_SIZE = 0x4_0000;
/** Parts of it: a record for the uplink, one of a guest's, an answer of this program's, and texts. */
export const DOWN = BUFFER;
export const UP = BUFFER + 0x1_4000;
export const REPLY = BUFFER + 0x2_8000;
export const TEXTS = BUFFER + 0x3_0000;
export const END = BUFFER + BUFFER_SIZE;
