import { BuiltPackage } from './builtNode.mts';
import type { Mutation } from './builtNode.mts';
import { explore } from './explore.mts';

/** Changes to the built code that break a rule of money, or of order: each must be found. */
export const MUTATIONS: Mutation[] = [
	{
		name: 'The intent is struck when the answer cannot be read',
		module: 'KlingV2vGenerate/submit/submit',
		find: '        const reason = (0, lostAnswer_1.describe)(answer);\n        run.ledger.setUncertain(',
		replace:
			'        const reason = (0, lostAnswer_1.describe)(answer);\n        await this.forget(entry);\n        run.ledger.setUncertain(',
	},
	{
		name: 'The ledger forgets the intent before the request is sent',
		module: 'KlingV2vGenerate/submit/ledger',
		find: 'return this.put(key, {\n            state',
		replace:
			'const put = (...given) => {\n            const entry = this.put(...given);\n            this.strike(entry);\n            return entry;\n        };\n        return put(key, {\n            state',
	},
	{
		name: 'No mark is written before the request',
		module: 'KlingV2vGenerate/submit/submit',
		find: 'const before = await run.writeAhead.intend(entry);',
		replace: "const before = 'nothing';",
	},
	{
		name: 'A mark that is there already is passed over',
		module: 'KlingV2vGenerate/submit/writeAhead',
		find: "return 'unknown';\n        const { new: unknown, processed } = recorded;",
		replace:
			"return 'unknown';\n        const { new: unknown } = recorded;\n        const processed = [];",
	},
	{
		name: 'Marks that cannot be read count as none, in a retry, too',
		module: 'KlingV2vGenerate/submit/writeAhead',
		find: '(this.isRetry ? undefined : NOTHING)',
		replace: 'NOTHING',
	},
	{
		name: 'Marks that could not be read are taken away',
		module: 'KlingV2vGenerate/submit/submit',
		find: 'run.ledger.putBack(entry);',
		replace: 'run.ledger.putBack(entry);\n            await run.writeAhead.forget(entry);',
	},
	{
		name: "An agent's call is known by n8n's count of runs",
		module: 'KlingV2vGenerate/submit/writeAhead',
		find: '`call ${nth?.requestHash ?? 0} ${requestHash}`',
		replace: '`${item} ${this.run} ${attempt} ${requestHash}`',
	},
	{
		name: 'A call wakes an execution that another one has continued',
		module: 'shared/n8n/internals',
		find: 'if (!data.waitTill)',
		replace: 'if (false)',
	},
	{
		name: 'A retry of an agent does not know what its calls have made',
		module: 'KlingV2vGenerate/submit/ledger',
		find: 'entry.isOver = isCreated(entry)',
		replace: 'entry.isOver = false',
	},
	{
		name: "The retried execution's marks are not looked for (n8n 1.x)",
		module: 'KlingV2vGenerate/submit/writeAhead',
		find: 'isTaken || this.knowsRetried',
		replace: 'isTaken',
	},
	{
		name: 'A refused request counts as an attempt',
		module: 'KlingV2vGenerate/submit/ledger',
		find: "attempt - Number(state === 'failed')",
		replace: 'attempt',
	},
	{
		name: "A gateway's 503 counts as refused",
		module: 'KlingV2vGenerate/submit/mayExist',
		find: "return isOwnWord(answer, problem) ? 'sentAgain' : 'uncertain';",
		replace: "return 'refused';",
	},
	{
		name: "A gateway's 503 is sent again",
		module: 'KlingV2vGenerate/submit/mayExist',
		find: "return isOwnWord(answer, problem) ? 'sentAgain' : 'uncertain';",
		replace: "return 'sentAgain';",
	},
	{
		name: 'Any other status counts as refused',
		module: 'KlingV2vGenerate/submit/mayExist',
		find: "REFUSED.has(status) ? 'refused' : 'uncertain'",
		replace: "'refused'",
	},
	{
		name: 'A connection that broke counts as never sent',
		module: 'KlingV2vGenerate/submit/mayExist',
		find: 'if (failure?.sent)',
		replace: 'if (false)',
	},
	{
		name: 'A lost answer is sent again at once',
		module: 'KlingV2vGenerate/submit/submit',
		find: 'return await this.reportLostAnswer(request, entry, answer);',
		replace: 'await this.forget(entry);\n                return undefined;',
	},
	{
		name: "The provider's list is not asked for a lost answer",
		module: 'KlingV2vGenerate/submit/submit',
		find: 'const isInTime = this.run.sinceEnd() <',
		replace: 'const isInTime = false && this.run.sinceEnd() <',
	},
	{
		name: 'Tries of Retry On Fail forget the ledger',
		module: 'KlingV2vGenerate/submit/ledger',
		find: "this.record.remove((entry) => entry.state === 'failed' && this.isOwn(entry));",
		replace: 'this.record.remove((entry) => this.isOwn(entry));',
	},
	{
		name: 'A failed first item ends the ledger, though n8n runs the node again',
		module: 'KlingV2vGenerate/generateRun',
		find: 'const mayComeAgain = hasFailed && (',
		replace: 'const mayComeAgain = false && hasFailed && (',
	},
	{
		name: 'A resumed run finds no entries of its own',
		module: 'shared/wait/record',
		find: 'return execution === this.execution && run === this.run;',
		replace: 'return !this.isResumed && execution === this.execution && run === this.run;',
	},
	{
		name: 'Retry execution takes no task up',
		module: 'KlingV2vGenerate/submit/ledger',
		find: "isInherited && entry.state === 'created' &&",
		replace: "false && isInherited && entry.state === 'created' &&",
	},
	{
		name: 'A run of a loop is taken for the one before',
		module: 'shared/wait/record',
		find: 'return newest.mayComeAgain ? newest.index === index : !newest.isOver;',
		replace: 'return true;',
	},
	{
		name: 'The execution sleeps, and the record does not say so',
		module: 'shared/wait/waitingRun',
		find: 'this.record.sleep((0, node_crypto_1.randomUUID)(), until,',
		replace: '(() => undefined)(0, until,',
	},
	{
		name: 'A stale call wakes the execution',
		module: 'shared/wait/resume',
		find: 'return stored === undefined ||',
		replace: 'return true || stored === undefined ||',
	},
	{
		name: 'Turns may be shorter than a resume takes',
		module: 'shared/wait/waitingRun',
		find: 'timing_1.timing.sleep.shortestTurn',
		replace: '0',
	},
	{
		name: 'A callback is ignored',
		module: 'shared/wait/resume',
		find: 'entry.watch.nextLook = 0;',
		replace: ';',
	},
	{
		name: "A callback's word is believed",
		module: 'shared/wait/resume',
		find: 'watch.nextLook = 0;',
		replace:
			"watch.nextLook = 0;\n        watch.task.status = 'completed';\n        watch.task.videoUrls = ['https://evil.example/x.mp4'];",
	},
	{
		name: 'The deadline is not kept',
		module: 'KlingV2vGenerate/generateRun',
		find: 'deadline: since + waitLimit',
		replace: 'deadline: since + 100 * waitLimit',
	},
	{
		name: 'Looks do not wait for their time',
		module: 'shared/wait/waitForTask',
		find: 'await run.turn.rest(dueAt(run, watch));',
		replace: 'await run.turn.rest(run.clock.now() + 100);',
	},
	{
		name: 'Retry-After of a creation is not kept to',
		module: 'shared/http/transport',
		find: 'const asked = retryAfter(answer, clock) ?? 0;',
		replace: 'const asked = 0;',
	},
	{
		name: 'Links are shown with their query',
		module: 'shared/http/conceal',
		find: '.replace(LINK, bareLink)',
		replace: '',
	},
	{
		name: 'Secrets are not masked',
		module: 'shared/http/conceal',
		find: 'shown.replaceAll(form, MASK)',
		replace: 'shown',
	},
	{
		name: 'Two items are sent at once',
		module: 'KlingV2vGenerate/submit/submit',
		find: 'const hasWay = () => !this.isSending && limit.hasRoom;',
		replace: 'const hasWay = () => true;',
	},
	{
		name: 'The created task is not kept in the ledger',
		module: 'KlingV2vGenerate/submit/submit',
		find: 'const created = this.run.ledger.setCreated(entry, this.run.watchOf(item, task), item);',
		replace:
			'const created = this.run.ledger.setCreated({ ...entry }, this.run.watchOf(item, task), item);',
	},
	{
		name: 'A sub-workflow sleeps, and leaves its parent without an answer',
		module: 'shared/n8n/internals',
		find: "['integrated', 'chat',",
		replace: "['chat',",
	},
];

interface Wanted {
	runs: number;
	seed: number;
	/** Changes with this in their names. */
	only: string;
	onLine: (line: string) => void;
}

/** Says what finds each change. @returns the lines of a table, how many were tried, and how many are not found */
export async function tryMutations(
	root: string,
	{ runs, seed, only, onLine }: Wanted,
): Promise<{ lines: string[]; tried: number; missed: number }> {
	const lines: string[] = [];
	const add = (line: string) => {
		lines.push(line);
		onLine(line);
	};
	let missed = 0;
	add('| change | found by history | seed, path | what breaks |');
	add('|---|---|---|---|');
	const mutations = MUTATIONS.filter(({ name }) => name.includes(only));
	for (const mutation of mutations) {
		const wanted = { runs, seed, isQuick: true };
		const { failure } = await explore(new BuiltPackage(root, mutation), wanted);
		if (!failure) missed++;
		const found = failure
			? `${failure.runs} | ${failure.seed}, ${failure.path} | ${shown(failure.broken[0])}`
			: 'none | |';
		add(`| ${mutation.name} | ${found} |`);
	}
	return { lines, tried: mutations.length, missed };
}

/** A sentence without what differs from one history to another. */
function shown(broken: string): string {
	const short = broken.replace(/: 0000000.*/, '').replace(/\s+/g, ' ');
	return (short.length > 100 ? `${short.slice(0, 100)}…` : short).replaceAll('|', '\\|');
}
