import { Readable } from 'node:stream';
import { answer, bodyOf, failure, SECRETS } from './answers.mts';
import type { Answer } from './answers.mts';
import type {
	AnswerFate,
	CreationFate,
	FileFate,
	ListFate,
	Scenario,
	TaskFate,
} from './scenario.mts';

/** A task at the provider. */
export interface Task {
	id: string;
	/** Created by a request, and not there before. */
	isBilled: boolean;
	/** Whose it is: the marker in the prompt of its request. */
	marker: string;
	/** Milliseconds since 1970. */
	madeAt: number;
	/** Which call of the node has asked for it, from 1 on; 0 for none. */
	turn: number;
	/** When the list shows it, in milliseconds since 1970. */
	visibleAt: number;
	fate: TaskFate;
}

/** One request that has arrived. */
export interface Asked {
	kind: 'create' | 'look' | 'list' | 'file';
	at: number;
	/** The marker of an item, the ID of a task, or an address. */
	about: string;
	/** Which call of the node asks, from 1 on. */
	turn: number;
	/** The answer asks for so many milliseconds before the next one of its kind. */
	pause: number;
}

/** The options of a request, as the node gives them to n8n's helper. */
export interface Options {
	method: string;
	url: string;
	headers?: Record<string, string>;
	body?: Record<string, unknown>;
	timeout?: number;
	abortSignal?: AbortSignal;
}

/** An answer, and how long it takes: `Infinity` where none comes. */
interface Reply {
	ms: number;
	end(): Answer;
	/** The process that asks is killed now. */
	isDeadly?: true;
}

/** A list that lags shows no task before so much time. */
const LAG_MS = 30_000;

/** The longest `Retry-After` that has to be kept to, in milliseconds. */
const LONGEST_PAUSE_MS = 120_000;

const FINE = { kind: 'fine' as const, ms: 0 };

const VIDEO = Buffer.from('000000186674797069736f6d', 'hex');

/** One of the two providers, and the host of its results: functions instead of servers. */
export class Provider {
	readonly tasks: Task[] = [];

	readonly asked: Asked[] = [];

	/** Called for each new task, for its callbacks. */
	onTask: (task: Task, url: string | undefined) => void = () => undefined;

	private readonly counts = { creations: 0, looks: 0, lists: 0, files: 0 };

	constructor(private readonly scenario: Scenario) {}

	/** Tasks that are there before the history begins. */
	prepare(count: number): void {
		for (let item = 0; item < count; item++) this.make(`round 1 ${item}`, 0);
	}

	/** Takes a request that carries the key. @param kill ends the process that asks */
	async request(
		options: Options,
		turn: number,
		signal: AbortSignal | undefined,
		kill: () => void,
	): Promise<Answer> {
		if (signal?.aborted) throw failure('ERR_CANCELED');
		const reply = this.reply(options, turn);
		if (reply.isDeadly === true) kill();
		await inTime(reply.ms, options.timeout ?? 30_000, signal);
		return reply.end();
	}

	/** A request without the key: a result's file. */
	async file({ url, headers, timeout, abortSignal }: Options, turn: number): Promise<Answer> {
		if (abortSignal?.aborted) throw failure('ERR_CANCELED');
		const fate = this.take<FileFate>('files', { kind: 'fine' });
		this.note('file', url, turn);
		const from = Number(/\d+/.exec(headers?.Range ?? '')?.[0] ?? 0);
		const rest = VIDEO.subarray(from);
		const open = (body: Readable, more: Record<string, unknown> = {}) => ({
			statusCode: from > 0 ? 206 : 200,
			headers: {
				'content-length': String(rest.length),
				...(from > 0
					? { 'content-range': `bytes ${from}-${VIDEO.length - 1}/${VIDEO.length}` }
					: {}),
				...more,
			},
			body,
		});
		switch (fate.kind) {
			case 'fine':
				return open(Readable.from([rest]));
			case 'status':
				return { statusCode: fate.status, headers: {}, body: Readable.from([]) };
			case 'broken':
				throw failure(fate.code);
			case 'redirect':
				return {
					statusCode: 302,
					headers: { location: `https://other.example/v.mp4?token=${SECRETS.linkToken}` },
					body: Readable.from([]),
				};
			case 'cut':
				return open(Readable.from([rest.subarray(0, 4)]));
			case 'stalls': {
				await inTime(Infinity, timeout ?? 30_000, abortSignal);
				return open(Readable.from([]));
			}
		}
	}

	/** The body of a callback about a task. */
	callbackBody(task: Task): string {
		return JSON.stringify(this.shown(task));
	}

	private take<T>(kind: keyof Provider['counts'], usual: T): T {
		const fates = this.scenario[kind] as unknown as T[];
		return fates[this.counts[kind]++] ?? usual;
	}

	private note(kind: Asked['kind'], about: string, turn: number, pause = 0): void {
		const asked = { kind, about, turn, at: Date.now() };
		this.asked.push({ ...asked, pause: Math.min(pause, LONGEST_PAUSE_MS) });
	}

	private reply(options: Options, turn: number): Reply {
		if (options.method === 'POST') return this.create(options, turn);
		const [path, query = ''] = options.url.split('?');
		const id = decodeURIComponent(path.split('/').at(-1) ?? '');
		const isList = this.scenario.provider === 'magnific' && id === 'kling-v3-omni';
		return isList ? this.list(query, turn) : this.look(id, turn);
	}

	private create({ body }: Options, turn: number): Reply {
		const fate = this.take<CreationFate>('creations', FINE);
		// What users type may look like a marker: the node's own stands last.
		const marker = /.*\[(\w+ \d+ \d+)\]/s.exec(String(body?.prompt))?.[1] ?? 'unknown';
		const isMade = fate.kind === 'fine' || fate.made !== 'no';
		const lag = fate.kind !== 'fine' && fate.made === 'late' ? LAG_MS : 0;
		const task = isMade ? this.make(marker, lag, turn, body?.webhook_url) : undefined;
		const isPassing = fate.kind === 'status' && fate.made === 'no';
		this.note('create', marker, turn, isPassing ? fate.retryAfter * 1000 : 0);
		switch (fate.kind) {
			case 'fine':
				return { ms: fate.ms, end: () => this.created(task as Task) };
			case 'status':
				return now(() => answer(fate.status, bodyOf(fate.body, body), fate.retryAfter));
			case 'success':
				return now(() => answer(200, bodyOf(fate.body, body)));
			case 'broken':
				return now(() => {
					throw failure(fate.code, fate.isConnecting);
				});
			case 'silent':
				return { ms: Infinity, end: () => answer(200, {}) };
			case 'deadly':
				return { ms: Infinity, end: () => answer(200, {}), isDeadly: true };
		}
	}

	private make(marker: string, lag: number, turn = 0, url?: unknown): Task {
		const number = this.tasks.length;
		const madeAt = Date.now();
		const task: Task = {
			id: `0000000${number}-task-4000-8000-simulated${String(number).padStart(3, '0')}`,
			isBilled: turn > 0,
			marker,
			madeAt,
			turn,
			visibleAt: madeAt + lag,
			fate: this.scenario.tasks[number] ?? { seconds: 40, end: 'completed' },
		};
		this.tasks.push(task);
		this.onTask(task, url as string | undefined);
		return task;
	}

	private created({ id }: Task): Answer {
		return this.scenario.provider === 'magnific'
			? answer(200, { data: { task_id: id, status: 'CREATED', generated: [] } })
			: answer(202, { task_info: { id, status: 'pending' } });
	}

	private look(id: string, turn: number): Reply {
		const fate = this.take<AnswerFate>('looks', FINE);
		const pause = fate.kind === 'status' ? fate.retryAfter * 1000 : 0;
		this.note('look', id, turn, pause);
		const fine = () => this.status(id);
		switch (fate.kind) {
			case 'fine':
				return { ms: fate.ms, end: fine };
			case 'status':
				return now(() => answer(fate.status, bodyOf(fate.body), fate.retryAfter));
			case 'broken':
				return now(() => {
					throw failure(fate.code);
				});
			case 'silent':
				return { ms: Infinity, end: fine };
			case 'word':
				return now(() => this.status(id, fate.word));
		}
	}

	private status(id: string, word?: string): Answer {
		const task = this.tasks.find((each) => each.id === id);
		if (!task) return answer(404, { message: 'Not found', detail: 'no such task' });
		const shown = this.shown(task, word);
		return answer(200, this.scenario.provider === 'magnific' ? { data: shown } : shown);
	}

	private shown({ id, madeAt, fate }: Task, word?: string): Record<string, unknown> {
		const isOver = Date.now() - madeAt >= fate.seconds * 1000 && fate.end !== 'never';
		const isGood = fate.end === 'completed' || fate.end === 'noLink';
		const link = `https://results.example/${id}.mp4?token=exp=1900000000~hmac=result${id}`;
		const links = isOver && fate.end === 'completed' ? [link] : [];
		const reason = `gave up; the request held https://user:${SECRETS.password}@refs.example/a.mp4?token=${SECRETS.linkToken}`;
		if (this.scenario.provider === 'magnific') {
			const status = word ?? (isOver ? (isGood ? 'COMPLETED' : 'FAILED') : 'IN_PROGRESS');
			const error = status === 'FAILED' ? { error: { message: reason, code: '1303' } } : {};
			return { task_id: id, status, generated: links, ...error };
		}
		const end = fate.end === 'cancelled' ? 'cancelled' : 'failed';
		const status = word ?? (isOver ? (isGood ? 'completed' : end) : 'processing');
		const error = status === 'failed' ? { error: { detail: reason } } : {};
		return { task_info: { id, status, ...error }, videos: links };
	}

	private list(query: string, turn: number): Reply {
		const fate = this.take<ListFate>('lists', { kind: 'fine', lag: 0, pageSize: 0 });
		this.note('list', query, turn);
		switch (fate.kind) {
			case 'status':
				return now(() => answer(fate.status, bodyOf(fate.body)));
			case 'broken':
				return now(() => {
					throw failure(fate.code);
				});
			case 'fine': {
				const tasks = this.listed(fate.lag);
				const page = Number(/page=(\d+)/.exec(query)?.[1] ?? 1);
				const { pageSize } = fate;
				const from = pageSize * (page - 1);
				const shown = pageSize > 0 ? tasks.slice(from, from + pageSize) : tasks;
				return now(() => answer(200, { data: shown }));
			}
		}
	}

	/** Newest first. @param lag so many of the newest are missing */
	private listed(lag: number): Array<Record<string, unknown>> {
		const visible = this.tasks.filter(({ visibleAt }) => visibleAt <= Date.now());
		const own = visible.reverse().slice(lag);
		return [
			...own.map(({ id }) => ({ task_id: id, status: 'IN_PROGRESS' })),
			{ task_id: 'ffffffff-other-4000-8000-workflow', status: 'COMPLETED' },
		];
	}
}

function now(end: () => Answer): Reply {
	return { ms: 0, end };
}

/** Lets an answer take its time. @throws where the client's patience or the run ends before */
async function inTime(ms: number, timeout: number, signal?: AbortSignal): Promise<void> {
	if (ms <= 0) return;
	await new Promise<void>((resolve, reject) => {
		const end = ms > timeout ? () => reject(failure('ECONNABORTED')) : resolve;
		const timer = setTimeout(end, Math.min(ms, timeout));
		const abort = () => {
			clearTimeout(timer);
			reject(failure('ERR_CANCELED'));
		};
		signal?.addEventListener('abort', abort, { once: true });
	});
}
