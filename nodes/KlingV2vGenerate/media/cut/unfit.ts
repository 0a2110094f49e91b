import type { MediaFault } from '../../../shared/media/fault';
import { wrong } from '../../../shared/media/fault';

/** Ends the planning of a cut, from any depth of it; `planCut` turns it into its fault. */
export class Unfit extends Error {
	constructor(readonly fault: MediaFault) {
		super(fault.reason);
	}
}

/** @param where goes on after "the file is incomplete or damaged:" */
export function damaged(where: string): Unfit {
	return new Unfit(wrong(`is incomplete or damaged: ${where}`));
}
