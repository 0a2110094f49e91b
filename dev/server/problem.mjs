// @ts-check

/**
 * What keeps a command from going on, as one sentence for the person at the keyboard: what is wrong and what to do.
 * Everything else that is thrown is a bug in these files and keeps its stack.
 */
export class Problem extends Error {
	/**
	 * @param {string} sentence
	 * @param {{ details?: string, cause?: unknown }} [more] `details`: lines worth seeing before the sentence, such as the end of a log
	 */
	constructor(sentence, { details, cause } = {}) {
		super(sentence, { cause });
		this.name = 'Problem';
		this.details = details;
	}
}

/** @param {unknown} error */
export function report(error) {
	if (!(error instanceof Problem)) {
		console.error(error);
		return;
	}
	if (error.details) console.error(`\n${error.details.trimEnd()}\n`);
	console.error(`✗ ${error.message}`);
}
