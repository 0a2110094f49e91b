import type { Outcome } from '../../shared/n8n/output';
import type { WaitingRun } from '../../shared/wait/waitingRun';
import type { Request } from '../readRequest';

/** One operation on one item. */
export type Perform = (run: WaitingRun, request: Request) => Promise<Outcome | Outcome[]>;
