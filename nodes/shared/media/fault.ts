/** Why a file is not what is documented, or could not be looked at. A value: looking never throws. */
export interface MediaFault {
	/**
	 * `wrong`: whatever the provider does, the file is not what its documentation asks for.
	 * `unchecked`: nothing is known, and the provider may still take the file.
	 */
	fault: 'wrong' | 'unchecked';
	/** Goes on after "the file" where it is wrong, and after "could not be checked:" where not. */
	reason: string;
	/** Bytes of the file, where at least that is known. */
	size?: number;
	/** There where the link is to blame: it leads to no file, or to something that only says so. */
	isLinkWrong?: true;
	/** The host refuses the file; it may do so to n8n alone. */
	isRefused?: true;
}

export function wrong(reason: string): MediaFault {
	return { fault: 'wrong', reason };
}

/** The link gives no file. */
export function wrongLink(reason: string): MediaFault {
	return { fault: 'wrong', reason, isLinkWrong: true };
}

/** @param status the HTTP status with which the file's host refuses it */
export function refusedLink(status: number): MediaFault {
	const reason = `cannot be fetched: its host answers HTTP ${status}`;
	return { ...wrongLink(reason), isRefused: true };
}

export function unchecked(reason: string): MediaFault {
	return { fault: 'unchecked', reason };
}

export function isFault(found: object): found is MediaFault {
	return 'fault' in found;
}
