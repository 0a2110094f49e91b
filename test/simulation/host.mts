import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import type {
	IDataObject,
	IExecuteFunctions,
	INode,
	INodeExecutionData,
	IWebhookFunctions,
} from 'n8n-workflow';
import type { BuiltNode, BuiltPackage } from './builtNode.mts';
import type { Provider, Task } from './provider.mts';
import { SECRETS } from './provider.mts';
import { START } from './virtualTime.mts';
import type { CallbackFate, Scenario } from './scenario.mts';
import { HOSTILE } from './scenario.mts';

const require = createRequire(import.meta.url);
const flatted = require('flatted') as {
	parse(text: string): RunExecutionData;
	stringify(data: unknown): string;
};
const { NodeOperationError } = require('n8n-workflow') as typeof import('n8n-workflow');

/**
 * As much of n8n as decides what a node keeps and what it loses, read in the published packages of n8n 2.41.1 and 1.88.0
 * (names of their functions stand where they are followed):
 * - the run data, with the node's context, is in the memory of one process, and in the database as it was written last:
 *   at the start, at each sleep, at the end, and at each claim of a resume, which writes the data that it has read
 *   (`ActiveExecutions.add`);
 * - a resume claims by status "waiting" (2.41), or without any condition (1.88), whatever pause that is;
 * - marks (`checkProcessedAndRecord`) are one row of the database, read, changed and written;
 * - a process that is killed leaves the database as it is. Begun again, n8n amends what was running from its event log and
 *   calls it crashed (`ExecutionRecoveryService.amend`); in queue mode of 1.88 another worker runs the job again;
 * - "Retry execution" begins a new execution with the stored run data (`ExecutionService.retry`).
 */

const NODE = 'Kling';

type Item = INodeExecutionData;

interface NodeState {
	name: string;
	type: string;
	disabled?: boolean;
	alwaysOutputData?: boolean;
	[setting: string]: unknown;
}

interface StackEntry {
	node: NodeState;
	data: { main: Item[][] };
	source: unknown;
	metadata?: Record<string, unknown>;
}

interface TaskData {
	startTime: number;
	data?: { main: Item[][] };
	error?: ShownError;
}

interface RunExecutionData {
	resumeToken?: string;
	waitTill?: number;
	resultData: {
		runData: Record<string, TaskData[]>;
		lastNodeExecuted?: string;
		error?: ShownError;
	};
	executionData: {
		contextData: Record<string, Record<string, unknown>>;
		nodeExecutionStack: StackEntry[];
	};
}

interface ShownError {
	message: string;
	description?: string;
	context?: unknown;
	stack?: string;
}

export type Status = 'new' | 'running' | 'waiting' | 'success' | 'error' | 'canceled' | 'crashed';

/** A row of n8n's table of executions. */
interface Row {
	id: string;
	status: Status;
	/** As n8n stores it: text, in which shared references stay shared. */
	data: string;
	waitTill?: number;
	mode: string;
	startedAt: number;
	endedAt?: number;
	events: Array<{ node: string; kind: 'started' | 'finished'; at: number }>;
	retryOf?: string;
}

/** A run of the node that came to its end, as n8n took it. */
export interface Ended {
	execution: string;
	run: number;
	items: Item[];
	error?: ShownError;
}

/** A message after which a person who runs the item again pays knowingly. */
export interface Told {
	at: number;
	/** Index of the item. */
	item: number;
	/** Of the loop, from 1 on. */
	round: number;
}

/** Messages after which running an item again costs money again, as they say. */
const KNOWING = /may have created a task|may be billed|could not make the video|makes? a new task/;

/** The process is dead: nothing comes back. */
const never = new Promise<never>(() => undefined);

/** One n8n process. */
class Process {
	isAlive = true;

	private built?: BuiltNode;

	/** Ends what runs in it. */
	readonly ended = new AbortController();

	/** Waiting executions that a timer is set for. */
	readonly timers = new Set<string>();

	constructor(
		readonly world: World,
		readonly role: 'all' | 'main' | 'worker',
	) {}

	get node(): BuiltNode {
		this.built ??= this.world.built.load();
		return this.built;
	}

	/** A place at which a process may die, or be slow. Nothing after it happens in a process that is dead. */
	async step(): Promise<void> {
		await this.world.step(this);
		if (!this.isAlive) await never;
	}
}

/** The state of an execution in the memory of a process. */
interface Running {
	process: Process;
	row: Row;
	data: RunExecutionData;
	stop: AbortController;
	isCanceled: boolean;
}

/** n8n, its database, and the person who uses it. */
export class World {
	readonly rows: Row[] = [];

	/** Marks, by node. */
	private readonly marks: string[] = [];

	readonly log: string[] = [];

	/** Everything that happened, for a person to read. */
	readonly story: string[] = [];

	readonly hints: string[] = [];

	readonly messages: string[] = [];

	/** Every run of the node that n8n has seen the end of. */
	readonly ended: Ended[] = [];

	/** What each turn put out, also those that went to sleep. */
	readonly shown: string[] = [];

	readonly answers: number[] = [];

	/** Faults of the simulation, or of the node: what must never happen. */
	readonly faults: string[] = [];

	/** Each "Retry execution" that a person has pressed. */
	readonly retries: Array<{ at: number; execution: string }> = [];

	/** What a person has been told of items that may cost money once more. */
	readonly told: Told[] = [];

	/** The item and round of the last request that the log says is about to be sent. */
	private sending?: { item: number; round: number };

	private isRetrying = false;

	private readonly processes: Process[] = [];

	private readonly running = new Set<Running>();

	private steps = 0;

	private deaths: number[];

	/** Things that are still to come. */
	private pending = 0;

	private readings = 0;

	private callbacks = 0;

	private retriesLeft: number;

	private delays = 0;

	constructor(
		readonly scenario: Scenario,
		readonly built: BuiltPackage,
		readonly provider: Provider,
	) {
		this.deaths = [...scenario.deaths].sort((a, b) => a - b);
		this.retriesLeft = scenario.retries;
		provider.onChange = (task, url) => this.planCallbacks(task, url);
	}

	private note(text: string): void {
		this.story.push(`${((Date.now() - START) / 1000).toFixed(3)} s: ${text}`);
	}

	get isOver(): boolean {
		return this.pending === 0 && !this.isAsleep;
	}

	/** Begins n8n, and one execution. */
	begin(): void {
		this.startMain();
		const { stop, stalls } = this.scenario;
		void this.startExecution(this.startData(), this.scenario.mode);
		if (stop !== undefined) this.later(stop * 1000, () => this.pressStop());
		for (const after of stalls) this.later(after * 1000, () => this.stall());
	}

	// Time and death.

	async step(process: Process): Promise<void> {
		const { delays } = this.scenario;
		const ms = delays.length === 0 ? 0 : delays[this.delays++ % delays.length];
		if (ms > 0) await new Promise((goOn) => setTimeout(goOn, ms));
		const number = this.steps++;
		if (this.deaths.length > 0 && number >= this.deaths[0] && process.isAlive) {
			this.deaths.shift();
			this.kill(process);
		}
	}

	/** Does something later; the history is not over before. */
	private later(ms: number, work: () => Promise<void> | void): void {
		this.pending++;
		setTimeout(() => void this.held(work), ms);
	}

	private async held(work: () => Promise<void> | void): Promise<void> {
		try {
			await work();
		} catch (error) {
			this.faults.push(`n8n failed: ${(error as Error).stack}`);
		} finally {
			this.pending--;
		}
	}

	private kill(process: Process): void {
		process.isAlive = false;
		this.note(`the ${process.role} process is killed, at step ${this.steps}`);
		process.ended.abort();
		const lost = [...this.running].filter((each) => each.process === process);
		for (const each of lost) {
			this.running.delete(each);
			this.pending--;
		}
		this.processes.splice(this.processes.indexOf(process), 1);
		this.later(this.scenario.restart * 1000, async () => await this.restart(process.role, lost));
	}

	private async restart(role: Process['role'], lost: Running[]): Promise<void> {
		if (role !== 'worker') this.startMain();
		for (const { row } of lost) {
			if (row.status !== 'running' && row.status !== 'new') continue;
			const isRunAgain = this.scenario.topology === 'queue' && this.scenario.version === '1.88';
			if (isRunAgain) this.startJob(row);
			else this.recover(row);
		}
		this.considerRetry();
	}

	/** n8n's `amend`: the event log says which nodes began and ended. */
	private recover(row: Row): void {
		this.note(`execution ${row.id} is called crashed`);
		const data = flatted.parse(row.data);
		const { runData } = data.resultData;
		for (const name of this.nodeNames()) {
			const started = row.events.find((event) => event.node === name && event.kind === 'started');
			if (!started || runData[name] !== undefined) continue;
			const isFinished = row.events.some(
				(event) => event.node === name && event.kind === 'finished',
			);
			const startTime = Math.floor(started.at / 1000);
			const artificial = [[{ json: { isArtificialRecoveredEventItem: true } }]];
			runData[name] = [
				isFinished
					? { startTime, data: { main: artificial } }
					: { startTime, error: { message: 'Node crashed, possible out-of-memory issue' } },
			];
			if (!isFinished)
				data.resultData.error = {
					message: 'Workflow did not finish, possible out-of-memory issue',
				};
			data.resultData.lastNodeExecuted = name;
		}
		row.data = flatted.stringify(data);
		row.status = 'crashed';
		row.endedAt = Date.now();
	}

	private startMain(): Process {
		const process = new Process(this, this.scenario.topology === 'regular' ? 'all' : 'main');
		this.processes.push(process);
		this.track(process);
		return process;
	}

	private main(): Process | undefined {
		return this.processes.find(({ role }) => role !== 'worker');
	}

	// Executions.

	private startData(): RunExecutionData {
		return {
			...(this.scenario.version === '2.41' ? { resumeToken: SECRETS.resumeToken } : {}),
			resultData: { runData: {} },
			executionData: {
				contextData: {},
				nodeExecutionStack: [
					{
						node: { name: 'Source', type: 'source' },
						data: { main: [[{ json: {} }]] },
						source: null,
					},
				],
			},
		};
	}

	private async startExecution(
		data: RunExecutionData,
		mode: string,
		retryOf?: string,
	): Promise<void> {
		const row: Row = {
			id: String(1000 + this.rows.length),
			status: 'running',
			data: flatted.stringify(data),
			mode,
			startedAt: Date.now(),
			events: [],
			retryOf,
		};
		this.rows.push(row);
		this.startJob(row);
	}

	/** Runs an execution with what the database has of it. */
	private startJob(row: Row): void {
		row.status = 'running';
		void this.run(this.worker(), row, flatted.parse(row.data));
	}

	private worker(): Process {
		if (this.scenario.topology === 'regular') return this.main() ?? this.startMain();
		const process = new Process(this, 'worker');
		this.processes.push(process);
		return process;
	}

	/** n8n holds a worker for gone, and gives its job to another one. */
	private stall(): void {
		const [stalled] = this.running;
		if (stalled && stalled.row.status === 'running' && this.scenario.version === '1.88')
			this.startJob(stalled.row);
	}

	private async run(process: Process, row: Row, data: RunExecutionData): Promise<void> {
		this.note(`execution ${row.id} runs`);
		const running: Running = { process, row, data, stop: new AbortController(), isCanceled: false };
		this.running.add(running);
		this.pending++;
		try {
			await this.processRunExecutionData(running);
		} catch (error) {
			this.faults.push(`n8n failed: ${(error as Error).stack}`);
		} finally {
			if (this.running.delete(running)) this.pending--;
		}
		this.considerRetry();
	}

	/** n8n's loop over its stack of nodes, for one chain of nodes. */
	private async processRunExecutionData(running: Running): Promise<void> {
		const { process, row, data } = running;
		const { executionData, resultData } = data;
		const { runData } = resultData;
		if (data.waitTill) {
			// n8n's `handleWaitingState`.
			data.waitTill = undefined;
			executionData.nodeExecutionStack[0].node.disabled = true;
			runData[resultData.lastNodeExecuted as string].pop();
		}
		await process.step();
		let status: Status = 'success';
		while (executionData.nodeExecutionStack.length > 0 && !running.isCanceled) {
			const entry = executionData.nodeExecutionStack.shift() as StackEntry;
			const { node } = entry;
			const runIndex = runData[node.name]?.length ?? 0;
			row.events.push({ node: node.name, kind: 'started', at: Date.now() });
			const startTime = Date.now();
			let output: Item[][] | undefined;
			let error: ShownError | undefined;
			if (node.disabled || entry.data.main.length === 0) {
				output = entry.data.main.length > 0 ? [entry.data.main[0]] : undefined;
			} else {
				({ output, error } = await this.runNode(running, entry, runIndex));
			}
			await process.step();
			if (error) {
				resultData.lastNodeExecuted = node.name;
				const goesOn = node.onError !== undefined && node.onError !== 'stopWorkflow';
				(runData[node.name] ??= []).push({ startTime, error });
				if (!goesOn) {
					resultData.error = error;
					executionData.nodeExecutionStack.unshift(entry);
					status = 'error';
					break;
				}
				output = [entry.data.main[0]];
			}
			if (output === undefined && !data.waitTill) continue;
			resultData.lastNodeExecuted = node.name;
			if (!error) (runData[node.name] ??= []).push({ startTime, data: { main: output ?? [] } });
			row.events.push({ node: node.name, kind: 'finished', at: Date.now() });
			if (data.waitTill) {
				executionData.nodeExecutionStack.unshift(entry);
				status = 'waiting';
				break;
			}
			this.addNext(node.name, output ?? [], data);
		}
		await this.save(running, running.isCanceled ? 'canceled' : status);
	}

	/** The end of an execution, or its sleep, as n8n's lifecycle hooks store it. */
	private async save({ process, row, data }: Running, status: Status): Promise<void> {
		const text = flatted.stringify(data);
		await process.step();
		const isStored = status === 'canceled' || row.status !== 'canceled';
		if (isStored) {
			row.data = text;
			row.status = status;
			row.waitTill = data.waitTill;
			if (status !== 'waiting') row.endedAt = Date.now();
			this.note(`execution ${row.id} is stored as ${status}`);
		}
		await process.step();
	}

	/** n8n's tries of one node. */
	private async runNode(
		running: Running,
		entry: StackEntry,
		runIndex: number,
	): Promise<{ output?: Item[][]; error?: ShownError }> {
		const { node } = entry;
		if (node.name !== NODE) return { output: await this.runOther(running, entry) };
		const maxTries =
			node.retryOnFail === true ? Math.min(5, Math.max(2, Number(node.maxTries) || 3)) : 1;
		const pause = Math.min(5000, Math.max(0, Number(node.waitBetweenTries) || 1000));
		const wait = async () => await new Promise((goOn) => setTimeout(goOn, pause));
		let error: ShownError | undefined;
		for (let tryIndex = 0; tryIndex < maxTries; tryIndex++) {
			if (tryIndex > 0) await wait();
			try {
				error = undefined;
				let output = await this.call(running, entry, runIndex);
				const isFailed = () => (output[0]?.[0]?.json.error ?? false) !== false;
				while (isFailed() && tryIndex !== maxTries - 1) {
					await wait();
					output = await this.call(running, entry, runIndex);
					tryIndex++;
				}
				if (running.process.isAlive && !running.data.waitTill) {
					this.ended.push({ execution: running.row.id, run: runIndex, items: output.flat() });
				}
				return { output };
			} catch (thrown) {
				error = shownError(thrown);
				if (!running.process.isAlive) await never;
				this.show(running, error);
			}
		}
		this.ended.push({ execution: running.row.id, run: runIndex, items: [], error });
		return { error };
	}

	private async call(running: Running, entry: StackEntry, runIndex: number): Promise<Item[][]> {
		const { node } = running.process;
		const context = this.executeFunctions(running, entry, runIndex);
		const output = [await node.generate.execute(context)];
		if (!running.process.isAlive) await never;
		this.show(running, output);
		return output;
	}

	/** A person can see an output, and an error. */
	private show({ data }: Running, what: Item[][] | ShownError): void {
		this.shown.push(JSON.stringify(what));
		this.note(`shown: ${JSON.stringify(what).slice(0, 900)}`);
		const round = roundOf(data);
		if (Array.isArray(what)) {
			for (const { json, pairedItem } of what.flat()) {
				if (KNOWING.test(String(json.error)))
					this.tell((pairedItem as { item: number }).item, round);
			}
			return;
		}
		const { message, description = '', context } = what;
		const { itemIndex = -1 } = (context ?? {}) as { itemIndex?: number };
		if (KNOWING.test(message)) this.tell(itemIndex, round);
		for (const [, item, text] of description.matchAll(/Item (\d+): (.*?)(?=Item \d+: |$)/gs)) {
			if (KNOWING.test(text)) this.tell(Number(item), round);
		}
	}

	private tell(item: number, round: number): void {
		this.told.push({ at: Date.now(), item, round });
	}

	private async runOther(
		{ process, data }: Running,
		{ node, data: input }: StackEntry,
	): Promise<Item[][]> {
		switch (node.name) {
			case 'Source':
				return [this.inputItems()];
			case 'Later':
				await new Promise((goOn) => setTimeout(goOn, this.scenario.laterNode * 1000));
				await process.step();
				return [input.main[0]];
			default: {
				const context = contextOf(data, node.name);
				context.round = roundOf(data) + 1;
				return Number(context.round) > this.scenario.rounds
					? [[], [{ json: {} }]]
					: [this.inputItems()];
			}
		}
	}

	private addNext(
		name: string,
		output: Item[][],
		{ executionData, resultData }: RunExecutionData,
	): void {
		const { rounds, laterNode } = this.scenario;
		const push = (node: NodeState, main: Item[]) => {
			if (main.length === 0) return;
			executionData.nodeExecutionStack.push({
				node,
				data: { main: [main] },
				source: { main: [{ previousNode: name }] },
			});
		};
		const later = () => laterNode > 0 && push({ name: 'Later', type: 'later' }, [{ json: {} }]);
		if (name === 'Source') push(this.klingNode(), output[0]);
		if (name === NODE && rounds > 1) push({ name: 'Again', type: 'again' }, [{ json: {} }]);
		if (name === NODE && rounds === 1) later();
		if (name === 'Again') {
			push(this.klingNode(), output[0] ?? []);
			if ((output[1] ?? []).length > 0) later();
		}
		resultData.error = undefined;
	}

	private nodeNames(): string[] {
		return ['Source', NODE, 'Again', 'Later'];
	}

	// The node, as the user has set it up.

	private klingNode(): NodeState {
		const { onError, tries, waitBetweenTries } = this.scenario;
		return {
			name: NODE,
			type: 'n8n-nodes-kling-v2v.klingV2vGenerate',
			id: 'kling',
			typeVersion: 1.1,
			parameters: { prompt: '={{ $json.prompt }}' },
			onError,
			...(tries > 1 ? { retryOnFail: true, maxTries: tries, waitBetweenTries } : {}),
		};
	}

	private inputItems(): Item[] {
		return this.scenario.items.map((hostile, item) => ({
			json: { number: item, text: HOSTILE[hostile] },
		}));
	}

	private parameter(name: string, item: number, round: number, otherwise: unknown): unknown {
		const { scenario } = this;
		const { provider } = scenario;
		const hostile = HOSTILE[scenario.items[item] ?? 0];
		const marker = `[round ${round} ${item}]`;
		const reading = scenario.isVolatile ? ` at ${this.readings++}` : '';
		const link = `https://refs.example/clip.mp4?token=${SECRETS.linkToken}&x=${hostile}`;
		const values: Record<string, unknown> = {
			provider,
			endpoint: 'videoEdit',
			completion: scenario.completion,
			prompt:
				`${hostile.startsWith('https') ? hostile : `@Video1 ${hostile}`} ${marker}${reading}`.slice(
					-2400,
				),
			videoSource: 'url',
			videoUrl: link,
			videoList: { videos: [{ videoUrl: link, referType: 'feature', keepOriginalSound: false }] },
			downloadVideo: scenario.download,
			options: {
				checkMedia: false,
				waitLimit: scenario.waitLimit,
				maxConcurrentTasks: scenario.maxConcurrentTasks,
				whileWaiting: scenario.whileWaiting,
				...(scenario.pollInterval > 0 ? { pollInterval: scenario.pollInterval } : {}),
			},
		};
		return name in values ? values[name] : otherwise;
	}

	// What n8n gives to a node.

	private executeFunctions(
		running: Running,
		entry: StackEntry,
		runIndex: number,
	): IExecuteFunctions {
		const { process, row, data } = running;
		const isNew = this.scenario.version === '2.41';
		const signal = AbortSignal.any([running.stop.signal, process.ended.signal]);
		const context = {
			runExecutionData: data,
			getInputData: () => entry.data.main[0],
			getNodeParameter: (name: string, item: number, otherwise: unknown) =>
				this.parameter(name, item, roundOf(data), otherwise),
			getNode: () => entry.node,
			getExecutionId: () => row.id,
			getMode: () => row.mode,
			getContext: () => contextOf(data, entry.node.name),
			getExecuteData: () => entry,
			getWorkflowDataProxy: () => ({
				$runIndex: runIndex,
				$execution: { resumeUrl: this.resumeUrl(row.id) },
			}),
			getParentNodes: () => [],
			getCredentials: async () => {
				await process.step();
				return this.credential();
			},
			putExecutionToWait: async (until: Date) => {
				data.waitTill = until.getTime();
			},
			sendMessageToUI: (message: string) => this.heard(process, this.messages, message),
			logger: this.logger(process, roundOf(data)),
			helpers: this.helpers(process),
			...(isNew
				? {
						getExecutionCancelSignal: () => signal,
						addExecutionHints: ({ message }: { message: string }) =>
							this.heard(process, this.hints, message),
					}
				: {}),
		};
		return context as unknown as IExecuteFunctions;
	}

	private helpers(process: Process) {
		// eslint-disable-next-line @typescript-eslint/no-this-alias
		const world = this;
		const { provider } = this;
		const request = async function (
			this: Partial<IExecuteFunctions>,
			_type: string,
			options: never,
		) {
			await process.step();
			world.note(`${(options as { method: string }).method} ${(options as { url: string }).url}`);
			const answer = await provider
				.request(options, this.getExecutionCancelSignal?.())
				.catch(async (error: Error) => {
					await process.step();
					throw error;
				});
			await process.step();
			return answer;
		};
		return {
			httpRequestWithAuthentication: request,
			httpRequest: async (options: never) => {
				await process.step();
				const answer = await provider.file(options);
				await process.step();
				return answer;
			},
			prepareBinaryData: async (stream: AsyncIterable<Buffer>, fileName: string) => {
				const chunks: Buffer[] = [];
				for await (const chunk of stream) chunks.push(chunk);
				await process.step();
				return { fileName, mimeType: 'video/mp4', data: Buffer.concat(chunks).toString('base64') };
			},
			checkProcessedAndRecord: async (
				texts: string[],
				_scope: string,
				{ maxEntries }: { maxEntries: number },
			) => {
				this.note(`records ${texts.join(', ')}`);
				await process.step();
				const row = [...this.marks];
				const isKnown = (text: string) => row.includes(hashOf(text));
				const found = {
					new: texts.filter((text) => !isKnown(text)),
					processed: texts.filter(isKnown),
				};
				row.push(...found.new.map(hashOf));
				this.marks.splice(0, this.marks.length, ...row.slice(-maxEntries));
				await process.step();
				return found;
			},
			removeProcessed: async (texts: string[]) => {
				this.note(`removes ${texts.join(', ')}`);
				await process.step();
				const gone = texts.map(hashOf);
				this.marks.splice(
					0,
					this.marks.length,
					...this.marks.filter((mark) => !gone.includes(mark)),
				);
				await process.step();
			},
		};
	}

	private credential(): IDataObject {
		return {
			apiKey: SECRETS.apiKey,
			webhookSecret: SECRETS.webhookSecret,
			baseUrl: 'https://api.example',
		};
	}

	private logger(process: Process, round = 1) {
		const take = (message: string, meta?: unknown) => {
			if (!process.isAlive) return;
			this.note(`log: ${message}`);
			this.log.push(meta === undefined ? message : `${message} ${JSON.stringify(meta)}`);
			const [, item] = /^Creating a Kling task: .*, item (\d+)/.exec(message) ?? [];
			if (item !== undefined) this.sending = { item: Number(item), round };
			const [, named] = /^Item (\d+): /.exec(message) ?? [];
			if (!KNOWING.test(message)) return;
			if (named !== undefined) this.tell(Number(named), round);
			else if (this.sending) this.tell(this.sending.item, this.sending.round);
		};
		return { debug: take, info: take, warn: take, error: take };
	}

	private heard(process: Process, list: string[], text: string): void {
		if (process.isAlive) list.push(text);
	}

	private resumeUrl(id: string): string {
		return `https://n8n.example/webhook-waiting/${id}?signature=${SECRETS.resumeToken}`;
	}

	// Sleeping executions.

	/** n8n's WaitTracker: once a minute it sets a timer for each execution that is due within the next 70 s. */
	private track(process: Process): void {
		const tick = () => {
			if (!process.isAlive) return;
			const soon = Date.now() + 70_000;
			for (const row of this.rows) {
				const { status, waitTill = Infinity, id } = row;
				if (status !== 'waiting' || waitTill > soon || process.timers.has(id)) continue;
				process.timers.add(id);
				setTimeout(() => void this.wakeByTimer(process, row), Math.max(0, waitTill - Date.now()));
			}
			setTimeout(tick, 60_000);
		};
		setTimeout(tick, 60_000);
	}

	private async wakeByTimer(process: Process, row: Row): Promise<void> {
		if (!process.isAlive || !process.timers.delete(row.id)) return;
		const data = flatted.parse(row.data);
		const isFinished = row.status === 'success';
		await process.step();
		if (!isFinished) this.claim(row, data);
	}

	/** n8n's `ActiveExecutions.add`: writes the data that it was given. */
	private claim(row: Row, data: RunExecutionData): boolean {
		// 1.88 asks for no status: it lets through whatever has been read as waiting.
		if (row.status !== 'waiting' && this.scenario.version === '2.41') return false;
		row.status = 'running';
		row.waitTill = undefined;
		row.data = flatted.stringify(data);
		this.wake(row, data);
		return true;
	}

	private wake(row: Row, data: RunExecutionData): void {
		void this.run(this.worker(), row, flatted.parse(flatted.stringify(data)));
	}

	private planCallbacks(task: Task, url: string | undefined): void {
		if (url === undefined) return;
		const fate = this.scenario.callbacks[this.callbacks++] ?? {
			kind: 'fine',
			ms: 0,
			reading: 0,
			claiming: 0,
		};
		const id = /webhook-waiting\/(\d+)/.exec(url)?.[1] ?? '';
		const end = task.fate.end === 'never' ? undefined : task.fate.seconds * 1000;
		const at = (ms: number, body: () => string) =>
			setTimeout(() => void this.callWebhook(id, body(), fate), ms);
		const honest = () => this.provider.callbackBody(task);
		const forged = JSON.stringify({
			task_id: task.id,
			status: 'COMPLETED',
			generated: ['https://evil.example/x.mp4'],
		});
		if (fate.kind === 'early') at(fate.ms, () => forged);
		if (fate.kind === 'forged') at(20_000 + fate.ms, () => forged);
		if (fate.kind === 'never' || end === undefined) return;
		at(end + fate.ms, honest);
		if (fate.kind === 'double') at(end + fate.ms + 1, honest);
	}

	/** n8n's WaitingWebhooks: a call of the resume URL. */
	private async callWebhook(
		id: string,
		body: string,
		{ reading, claiming }: CallbackFate,
	): Promise<void> {
		const process = this.main();
		const row = this.rows.find((each) => each.id === id);
		if (!process || !row) return;
		if (row.status !== 'waiting') {
			this.answers.push(409);
			return;
		}
		const data = flatted.parse(row.data);
		const [entry] = data.executionData.nodeExecutionStack;
		entry.node.disabled = true;
		data.waitTill = undefined;
		data.resultData.runData[data.resultData.lastNodeExecuted as string].pop();
		if (reading > 0) await new Promise((goOn) => setTimeout(goOn, reading));
		await process.step();
		const result = await process.node.resume.resume(
			this.webhookFunctions(process, row, data, body),
		);
		if (!process.isAlive || !result.workflowData) return;
		if (claiming > 0) await new Promise((goOn) => setTimeout(goOn, claiming));
		await process.step();
		entry.data.main = result.workflowData;
		entry.metadata = { ...entry.metadata, forwardAllOutputs: true };
		this.claim(row, data);
	}

	private webhookFunctions(
		process: Process,
		row: Row,
		data: RunExecutionData,
		body: string,
	): IWebhookFunctions {
		const response = {
			status: (code: number) => {
				this.answers.push(code);
				return response;
			},
			json: () => response,
		};
		const node = this.klingNode() as unknown as INode;
		const context = {
			runExecutionData: data,
			additionalData:
				this.scenario.version === '2.41'
					? {
							getRunExecutionData: async () => {
								await process.step();
								return flatted.parse(row.data);
							},
						}
					: {},
			workflow: { expression: {} },
			getRequestObject: () => ({ rawBody: Buffer.from(body) }),
			getResponseObject: () => response,
			getExecutionId: () => row.id,
			getNode: () => node,
			logger: this.logger(process),
		};
		return context as unknown as IWebhookFunctions;
	}

	// The person.

	private pressStop(): void {
		this.note('a person presses Stop');
		const [running] = [...this.running].slice(-1);
		if (running) {
			const { row, data } = running;
			running.isCanceled = true;
			row.status = 'canceled';
			row.endedAt = Date.now();
			row.data = flatted.stringify(data);
			running.stop.abort();
			return;
		}
		const asleep = this.rows.find(({ status }) => status === 'waiting');
		if (!asleep) return;
		for (const { timers } of this.processes) timers.delete(asleep.id);
		asleep.status = 'canceled';
		asleep.endedAt = Date.now();
		this.considerRetry();
	}

	/** As long as anything runs, sleeps, or is to begin again, there is nothing to retry. */
	private considerRetry(): void {
		const newest = this.rows.at(-1) as Row;
		const isFailed = ['error', 'crashed', 'canceled'].includes(newest.status);
		if (!isFailed || this.isRetrying || this.running.size > 0 || this.retriesLeft === 0) return;
		this.retriesLeft--;
		this.isRetrying = true;
		this.later(30_000, async () => {
			this.isRetrying = false;
			await this.retry(newest);
		});
	}

	/** n8n's `ExecutionService.retry`. */
	private async retry(failed: Row): Promise<void> {
		if (!this.main()) this.startMain();
		const data = flatted.parse(failed.data);
		const { resultData, executionData } = data;
		const last = resultData.lastNodeExecuted;
		if (last !== undefined) {
			delete resultData.error;
			const runs = resultData.runData[last];
			if (runs?.at(-1)?.error !== undefined) runs.pop();
		}
		this.note(`a person retries execution ${failed.id}`);
		if (this.scenario.loadWorkflow) {
			for (const entry of executionData.nodeExecutionStack) {
				if (entry.node.name === NODE) entry.node = this.klingNode();
			}
		}
		this.retries.push({ at: Date.now(), execution: failed.id });
		await this.startExecution(data, 'retry', failed.id);
	}

	/** Whether an execution still sleeps. */
	get isAsleep(): boolean {
		return this.rows.some(({ status }) => status === 'waiting');
	}

	/** The node's context in the database, of every execution. */
	storedContexts(): string {
		return JSON.stringify(
			this.rows.map(({ data }) => flatted.parse(data).executionData.contextData),
		);
	}

	/** The marks in the database. */
	hasMark(text: string): boolean {
		return this.marks.includes(hashOf(text));
	}
}

function contextOf({ executionData }: RunExecutionData, name: string): Record<string, unknown> {
	return (executionData.contextData[`node:${name}`] ??= {});
}

/** @returns the round of the loop, from 1 on */
function roundOf(data: RunExecutionData): number {
	return Number(contextOf(data, 'Again').round ?? 1);
}

function hashOf(text: string): string {
	return createHash('md5').update(text).digest('base64');
}

function shownError(thrown: unknown): ShownError {
	if (!(thrown instanceof Error)) return { message: String(thrown) };
	const { message, stack } = thrown;
	const { description, context } = thrown as InstanceType<typeof NodeOperationError>;
	return { message, description: description ?? undefined, context, stack };
}
