import type { Outcome } from '../../shared/n8n/output';
import type { WaitingRun } from '../../shared/wait/waitingRun';
import type { Operation, Request } from '../readRequest';
import { download } from './download';
import { get } from './get';
import { getMany } from './getMany';
import { wait } from './wait';

/** One operation on one item. */
export type Perform = (run: WaitingRun, request: Request) => Promise<Outcome | Outcome[]>;

export const operations: Record<Operation, Perform> = { get, wait, getMany, download };
