import type { Operation } from '../readRequest';
import { download } from './download';
import { get } from './get';
import { getMany } from './getMany';
import type { Perform } from './perform';
import { wait } from './wait';

export const operations: Record<Operation, Perform> = { get, wait, getMany, download };
