/** What is so in each file of tests; those that share a process come here one after the other. */
import { afterAll } from 'vitest';
import { removeTemporaries } from '../card/images.js';
import './seed.js';

afterAll(removeTemporaries);
