import { Readable } from 'node:stream';
import type { Body, Scenario, TaskFate } from './scenario.mts';

/** Texts that nothing may show. */
export const SECRETS = {
	apiKey: 'sk-simulated-key-0123456789abcdef',
	webhookSecret: 'whsec-simulated-secret-0123456789',
	linkToken: 'reference-link-token-0123456789abcdef',
	password: 'user-password-0123456789',
	resumeToken: 'resume-token-0123456789abcdef0123456789abcdef',
};

/** A task at the provider: it is billed. */
export interface Task {
	id: string;
	/** Whose it is: the marker in the prompt of its request. */
	marker: string;
	/** Milliseconds since 1970. */
	madeAt: number;
	visibleAt: number;
	fate: TaskFate;
}

/** One request that reached the provider. */
export interface Asked {
	kind: 'create' | 'look' | 'list' | 'file';
	at: number;
	about: string;
}

interface Options {
	method: string;
	url: string;
	baseURL?: string;
	body?: Record<string, unknown>;
	timeout?: number;
	abortSignal?: AbortSignal;
}

interface Response {
	statusCode: number;
	headers: Record<string, unknown>;
	body: unknown;
}

/** A list that lags shows no task before so much time. */
const LAG_MS = 30_000;

/** One of the two providers, and the host of its results: functions instead of servers. */
export class Provider {
	readonly tasks: Task[] = [];

	readonly asked: Asked[] = [];

	/** Called at each change of a task's status, for its callbacks. */
	onChange: (task: Task, url: string | undefined) => void = () => undefined;

	private creations = 0;

	private looks = 0;

	private lists = 0;

	constructor(private readonly scenario: Scenario) {}

	/** Takes a request that carries the key. */
	async request(options: Options, signal: AbortSignal | undefined): Promise<Response> {
		if (signal?.aborted) throw failure('ERR_CANCELED');
		const answer = this.answer(options);
		return await this.inTime(answer, options.timeout ?? 30_000, signal);
	}

	/** A request without the key: a result's file. */
	async file({ url, abortSignal }: Options): Promise<Response> {
		if (abortSignal?.aborted) throw failure('ERR_CANCELED');
		this.asked.push({ kind: 'file', at: Date.now(), about: url });
		const bytes = Buffer.from('0000001866747970', 'hex');
		return {
			statusCode: 200,
			headers: { 'content-length': String(bytes.length) },
			body: Readable.from([bytes]),
		};
	}

	/** The body of a callback about a task. */
	callbackBody(task: Task): string {
		return JSON.stringify(this.shown(task));
	}

	private async inTime(
		{ ms, end }: { ms: number; end: () => Response },
		timeout: number,
		signal: AbortSignal | undefined,
	): Promise<Response> {
		if (ms > 0) {
			await new Promise<void>((resolve, reject) => {
				const timer = setTimeout(
					ms > timeout ? () => reject(failure('ECONNABORTED')) : resolve,
					Math.min(ms, timeout),
				);
				signal?.addEventListener(
					'abort',
					() => {
						clearTimeout(timer);
						reject(failure('ERR_CANCELED'));
					},
					{ once: true },
				);
			});
		}
		return end();
	}

	private answer(options: Options): { ms: number; end: () => Response } {
		if (options.method === 'POST') return this.create(options);
		const [path, query = ''] = options.url.split('?');
		const id = decodeURIComponent(path.split('/').at(-1) ?? '');
		const isList = this.scenario.provider === 'magnific' && id === 'kling-v3-omni';
		return isList ? this.list(query) : this.look(id, options);
	}

	private create(options: Options): { ms: number; end: () => Response } {
		const fate = this.scenario.creations[this.creations++] ?? { kind: 'fine', ms: 0 };
		const marker = /\[(\w+ \d+ \d+)\]/.exec(String(options.body?.prompt))?.[1] ?? 'unknown';
		this.asked.push({ kind: 'create', at: Date.now(), about: marker });
		const isMade = fate.kind === 'fine' || fate.made !== 'no';
		const lag = fate.kind !== 'fine' && fate.made === 'late' ? LAG_MS : 0;
		const task = isMade ? this.make(marker, lag, options) : undefined;
		switch (fate.kind) {
			case 'fine':
				return { ms: fate.ms, end: () => this.created(task as Task) };
			case 'status': {
				const { status, body } = fate;
				return { ms: 0, end: () => answer(status, bodyOf(body, options), fate.retryAfter) };
			}
			case 'success':
				return { ms: 0, end: () => answer(200, bodyOf(fate.body, options)) };
			case 'broken':
				return {
					ms: 0,
					end: () => {
						throw failure(fate.code, fate.isConnecting);
					},
				};
			case 'silent':
				return { ms: Infinity, end: () => answer(200, {}) };
		}
	}

	private make(marker: string, lag: number, { body }: Options): Task {
		const number = this.tasks.length;
		const fate = this.scenario.tasks[number] ?? { seconds: 40, end: 'completed' as const };
		const now = Date.now();
		const task: Task = {
			id: `0000000${number}-task-4000-8000-simulated${String(number).padStart(3, '0')}`,
			marker,
			madeAt: now,
			visibleAt: now + lag,
			fate,
		};
		this.tasks.push(task);
		const url = body?.webhook_url as string | undefined;
		this.onChange(task, url);
		return task;
	}

	private created(task: Task): Response {
		const { provider } = this.scenario;
		return provider === 'magnific'
			? answer(200, { data: { task_id: task.id, status: 'CREATED', generated: [] } })
			: answer(202, { task_info: { id: task.id, status: 'pending' } });
	}

	private look(id: string, options: Options): { ms: number; end: () => Response } {
		this.asked.push({ kind: 'look', at: Date.now(), about: id });
		const fate = this.scenario.looks[this.looks++] ?? { kind: 'fine', ms: 0 };
		const fine = () => this.status(id);
		switch (fate.kind) {
			case 'fine':
				return { ms: fate.ms, end: fine };
			case 'status':
				return {
					ms: 0,
					end: () => answer(fate.status, bodyOf(fate.body, options), fate.retryAfter),
				};
			case 'broken':
				return {
					ms: 0,
					end: () => {
						throw failure(fate.code);
					},
				};
			case 'silent':
				return { ms: Infinity, end: fine };
			case 'word':
				return { ms: 0, end: () => this.status(id, fate.word) };
		}
	}

	private status(id: string, word?: string): Response {
		const task = this.tasks.find((each) => each.id === id);
		if (!task) return answer(404, { message: 'Not found', detail: 'no such task' });
		const shown = this.shown(task, word);
		return answer(200, this.scenario.provider === 'magnific' ? { data: shown } : shown);
	}

	private shown({ id, madeAt, fate }: Task, word?: string): Record<string, unknown> {
		const isOver = Date.now() - madeAt >= fate.seconds * 1000 && fate.end !== 'never';
		const link = `https://results.example/${id}.mp4?token=exp=1900000000~hmac=result${id}`;
		const links = isOver && fate.end === 'completed' ? [link] : [];
		const reason = `gave up; the request held https://user:${SECRETS.password}@refs.example/a.mp4?token=${SECRETS.linkToken}`;
		if (this.scenario.provider === 'magnific') {
			const end = {
				completed: 'COMPLETED',
				noLink: 'COMPLETED',
				failed: 'FAILED',
				cancelled: 'FAILED',
				never: '',
			};
			const status = word ?? (isOver ? end[fate.end] : 'IN_PROGRESS');
			return {
				task_id: id,
				status,
				generated: links,
				...(status === 'FAILED' ? { error: { message: reason, code: '1303' } } : {}),
			};
		}
		const end = {
			completed: 'completed',
			noLink: 'completed',
			failed: 'failed',
			cancelled: 'failed',
			never: '',
		};
		const status = word ?? (isOver ? end[fate.end] : 'processing');
		return {
			task_info: { id, status, ...(status === 'failed' ? { error: { detail: reason } } : {}) },
			videos: links,
		};
	}

	private list(query: string): { ms: number; end: () => Response } {
		this.asked.push({ kind: 'list', at: Date.now(), about: query });
		const fate = this.scenario.lists[this.lists++] ?? { kind: 'fine', lag: 0, pageSize: 0 };
		if (fate.kind === 'status') {
			return {
				ms: 0,
				end: () => answer(fate.status, bodyOf(fate.body, { method: 'GET', url: '' })),
			};
		}
		if (fate.kind === 'broken') {
			return {
				ms: 0,
				end: () => {
					throw failure(fate.code);
				},
			};
		}
		const now = Date.now();
		const all = this.tasks
			.filter(({ visibleAt }) => visibleAt <= now)
			.reverse()
			.slice(fate.lag)
			.map((task) => ({ task_id: task.id, status: 'IN_PROGRESS' }));
		const foreign = { task_id: 'ffffffff-other-4000-8000-workflow', status: 'COMPLETED' };
		const page = Number(/page=(\d+)/.exec(query)?.[1] ?? 1);
		const size = fate.pageSize || Infinity;
		const from = fate.pageSize ? (page - 1) * size : 0;
		return { ms: 0, end: () => answer(200, { data: [...all, foreign].slice(from, from + size) }) };
	}
}

function answer(statusCode: number, body: unknown, retryAfter = 0): Response {
	const headers = retryAfter > 0 ? { 'retry-after': String(retryAfter) } : {};
	return { statusCode, headers: { ...headers, traceparent: `00-${SECRETS.linkToken}` }, body };
}

function bodyOf(body: Body, options: Options): unknown {
	switch (body) {
		case 'empty':
			return '';
		case 'html':
			return '<html><body>upstream connect error</body></html>';
		case 'message':
			return { message: 'Please try again' };
		case 'problem':
			return { status: 400, title: 'Bad', detail: 'Not like this', code: '4002' };
		case 'congestion':
			return {
				message: 'parallel task over resource pack limit',
				detail: 'parallel task over resource pack limit',
				code: '1303',
			};
		case 'usedUp':
			return { message: 'limit of the free trial usage', detail: 'limit of the free trial usage' };
		case 'null':
			return null;
		case 'list':
			return [];
		case 'number':
			return 200;
		case 'proto':
			return JSON.parse(
				'{"__proto__":{"data":{"task_id":"x"}},"constructor":1,"data":{"__proto__":{"status":"COMPLETED"}}}',
			);
		case 'oddId':
			return { data: { task_id: '../x?y', status: 'CREATED' }, task_info: { id: { a: 1 } } };
		case 'echo':
			// As a debugging gateway shows a request that it could not pass on.
			return {
				message: `cannot pass on ${JSON.stringify(options.body ?? {})} with key ${SECRETS.apiKey}`,
			};
	}
}

function failure(code: string, isConnecting = false): Error {
	return Object.assign(new Error(`${code} of a simulated host`), {
		code,
		...(isConnecting ? { syscall: 'connect' } : {}),
	});
}
