import type { Result } from './engine.mts';
import type { State } from '../../dev/emulator/client.mjs';
import { keys } from './setup.mts';
import { TYPED_SECRET } from './typedInputs.mts';

/** What must hold after any run, whatever went wrong in it. */
export interface Verdict {
	billed: number;
	/** Billed tasks whose ID the user has: in the output, the error or a hint. */
	known: number;
	requests: number;
	broken: string[];
}

const WEBHOOK_SECRET = 'a-webhook-secret';
const secrets = [keys.magnific, keys.muleRouter, WEBHOOK_SECRET, TYPED_SECRET];

/**
 * @param items how many input items the run had
 * @param isListed whether the provider can list tasks: without a list a lost answer stays lost, and
 * the error has to say so
 */
export function judge(
	{ outputs, error, hints, log, messages, data }: Result,
	{ tasks, billed, requests }: State,
	items: number,
	isListed = true,
): Verdict {
	const told = JSON.stringify([
		outputs,
		error && [error.message, error.description, error.context],
		hints,
	]);
	const paid = tasks.filter(({ account }) => account === 'billed');
	const known = paid.filter(({ taskId }) => told.includes(taskId)).length;
	const everything = told + JSON.stringify([log, messages, error?.stack]);
	// The workflow's own parameters and the input items are stored as the user wrote them.
	const context = JSON.stringify(data.executionData?.contextData ?? {});
	const broken: string[] = [];
	if (billed.total > items) broken.push(`${billed.total} billed for ${items} items`);
	const isAdmitted = !isListed && told.includes('may have created a task that is billed');
	if (known < paid.length && !isAdmitted)
		broken.push(`${paid.length - known} billed tasks unknown`);
	for (const secret of secrets) {
		if (everything.includes(secret)) broken.push(`a secret is in output, error or log`);
		if (context.includes(secret)) broken.push(`a secret is in the stored execution`);
	}
	const leaks = requests.filter(({ listener, carriesKey }) => listener === 'media' && carriesKey);
	if (leaks.length > 0) broken.push(`a key reached a result host`);
	const own = requests.filter(({ headers }) => headers['user-agent'] !== 'kling-v2v-emulator');
	return { billed: billed.total, known, requests: own.length, broken };
}
