import type { BuiltPackage } from './builtNode.mts';
import { contextOf, emptyRunData } from './data.mts';
import type { Row, RunData, Status, TaskData } from './data.mts';
import { Engine } from './engine.mts';
import type { Running } from './engine.mts';
import { Marks } from './marks.mts';
import { executionOf, webhookContext } from './nodeContext.mts';
import type { Surroundings } from './nodeContext.mts';
import { Process } from './process.mts';
import type { Provider, Task } from './provider.mts';
import type { CallbackFate, Scenario } from './scenario.mts';
import { stored } from './stored.mts';
import type { Witness } from './witness.mts';
import { NAMES, NODE, Workflow } from './workflow.mts';

/** n8n holds a worker for gone after so long, and looks as long again whether it was (2.41). */
const STALLED_MS = 30_000;

/** So long after a failure a person presses "Retry execution". */
const PERSON_MS = 30_000;

/** So long after its start, a main process looks for executions without a job. */
const RECOVERY_MS = 1_000;
/** How often the main process of queue mode looks for executions without a job, later on. */
export const RECOVERY_EVERY_MS = 180 * 60_000;

/** n8n's own name for how a sub-workflow is run. */
const CHILD = 'integrated';

const ON_TIME: CallbackFate = { kind: 'fine', ms: 0, reading: 0, claiming: 0 };

/**
 * n8n, its database, and the person who uses it: as much of n8n as decides what a node keeps and what it loses, read in
 * the published packages of n8n 2.41.1 and 1.88.0. The names of their functions stand where they are followed; README.md
 * says which.
 */
export class N8n {
	private readonly engine: Engine;

	private readonly world: Surroundings;

	private main?: Process;

	/** In queue mode, they run executions. */
	private readonly workers: Process[] = [];

	/** In queue mode, a process that takes calls as the main one does. */
	private webhook?: Process;

	private readonly running = new Set<Running>();

	/** Things that are still to come. */
	private pending = 0;

	private steps = 0;

	private jobs = 0;

	private callbacks = 0;

	private calls = 0;

	private readonly deaths: number[];

	private retriesLeft: number;

	private isRetrying = false;

	constructor(
		private readonly scenario: Scenario,
		private readonly built: BuiltPackage,
		private readonly provider: Provider,
		private readonly witness: Witness,
	) {
		const { deaths, retries, node, items } = scenario;
		this.deaths = [...deaths].sort((a, b) => a - b);
		this.retriesLeft = retries;
		if (node === 'status') provider.prepare(items.length);
		provider.onTask = (task, url) => this.planCallbacks(task, url);
		const taskIds = provider.tasks.map(({ id }) => id);
		const workflow = new Workflow(scenario, taskIds);
		const kill = (process: Process) => this.kill(process);
		this.world = {
			scenario,
			workflow,
			provider,
			marks: new Marks(scenario.outages),
			witness,
			kill,
		};
		witness.overwritten = this.world.marks.overwritten;
		this.engine = new Engine(this.world);
	}

	/** Nothing runs, sleeps, or is to begin any more. */
	get isOver(): boolean {
		return this.pending === 0 && !this.rows.some(({ status }) => status === 'waiting');
	}

	/** Begins n8n, and one execution. */
	begin(): void {
		this.startMain();
		if (this.isQueue) for (const role of ['webhook', 'worker', 'worker'] as const) this.start(role);
		const { stop, stalls, kills, mode } = this.scenario;
		this.startExecution(this.world.workflow.start(), mode === 'subWorkflow' ? CHILD : mode);
		if (stop !== undefined) this.later(stop * 1000, async () => await this.pressStop());
		for (const after of stalls) this.later(after * 1000, async () => await this.stall());
		for (const after of kills) this.later(after * 1000, () => this.killRunners());
	}

	private get rows(): Row[] {
		return this.witness.rows;
	}

	private get isQueue(): boolean {
		return this.scenario.topology === 'queue';
	}

	/** 2.41 asks more before it writes; 1.88 does not. */
	private get isNew(): boolean {
		return this.scenario.version === '2.41';
	}

	// Time, and processes.

	/** Does something later; the history is not over before. */
	private later(ms: number, work: () => Promise<void> | void): void {
		this.pending++;
		setTimeout(() => void this.held(work), ms);
	}

	private async held(work: () => Promise<void> | void): Promise<void> {
		try {
			await work();
			this.considerRetry();
		} catch (error) {
			this.fail(error);
		} finally {
			this.pending--;
		}
	}

	private fail(error: unknown): void {
		this.witness.faults.push(`n8n failed: ${(error as Error).stack}`);
	}

	private startMain(): Process {
		this.main = this.newProcess(this.isQueue ? 'main' : 'all');
		this.track(this.main);
		return this.main;
	}

	private start(role: 'worker' | 'webhook'): void {
		const process = this.newProcess(role);
		if (role === 'worker') this.workers.push(process);
		else this.webhook = process;
	}

	private newProcess(role: Process['role']): Process {
		return new Process(role, this.built, async (process) => await this.pass(process));
	}

	/** A step of a process: slow, or its last. */
	private async pass(process: Process): Promise<void> {
		const { delays } = this.scenario;
		const number = this.steps++;
		const ms = delays.length === 0 ? 0 : delays[number % delays.length];
		if (ms > 0) await new Promise((goOn) => setTimeout(goOn, ms));
		if (number >= (this.deaths[0] ?? Infinity) && process.isAlive) {
			this.deaths.shift();
			this.kill(process);
		}
	}

	private killRunners(): void {
		const main = this.main ? [this.main] : [];
		for (const process of this.isQueue ? [...this.workers] : main) this.kill(process);
	}

	private kill(process: Process): void {
		if (!process.isAlive) return;
		const { role } = process;
		this.witness.note(() => `the ${role} process is killed, after ${this.steps} steps`);
		process.isAlive = false;
		process.ended.abort();
		const lost = [...this.running].filter((each) => each.process === process);
		for (const each of lost) {
			this.running.delete(each);
			this.pending--;
		}
		if (role === 'worker') this.workers.splice(this.workers.indexOf(process), 1);
		else if (role === 'webhook') this.webhook = undefined;
		else this.main = undefined;
		for (const { row } of lost) {
			if (role !== 'worker') continue;
			if (row.hasJob) this.later(STALLED_MS, async () => await this.loseJob(row));
			// The job is its parent's, which fails then.
			else this.later(2 * STALLED_MS, () => this.end(row, 'crashed'));
		}
		const { restart, keepsDisk } = this.scenario;
		this.later(restart * 1000, async () => {
			if (role === 'worker' || role === 'webhook') this.start(role);
			else await this.restartMain();
			// On a disk of its own, a worker of 2.41 finds what was running when it was killed.
			if (role === 'worker' && keepsDisk && this.isNew) {
				for (const { row } of lost) if (this.isLost(row)) this.recover(row);
			}
			this.considerRetry();
		});
	}

	/** n8n begins again, and finds executions that no process runs. */
	private async restartMain(): Promise<void> {
		this.startMain();
		if (this.isQueue) await pause(RECOVERY_MS);
		this.recoverAll();
	}

	/** Finds executions that no process runs. */
	private recoverAll(): void {
		for (const row of this.rows) {
			if (!this.isLost(row)) continue;
			if (!this.isQueue) this.recover(row);
			else if (!row.hasJob) this.end(row, 'crashed');
		}
	}

	/** The database says that it runs, and it does not. */
	private isLost(row: Row): boolean {
		return row.status === 'running' && !this.isRunning(row);
	}

	private isRunning(row: Row): boolean {
		return [...this.running].some((each) => each.row === row);
	}

	/** n8n's `ExecutionRecoveryService.amend`: the event log says which nodes began and ended. */
	private recover(row: Row): void {
		const data = stored(row.data);
		const { resultData } = data;
		for (const name of NAMES) {
			const started = row.events.find(({ node, kind }) => node === name && kind === 'started');
			if (!started || resultData.runData[name] !== undefined) continue;
			const isFinished = row.events.some(({ node, kind }) => node === name && kind === 'finished');
			const task: TaskData = { startTime: Math.floor(started.at / 1000), executionIndex: 0 };
			if (isFinished) {
				const artificial = [[{ json: { isArtificialRecoveredEventItem: true } }]];
				Object.assign(task, { executionStatus: 'success', data: { main: artificial } });
			} else {
				const error = { message: 'Node crashed, possible out-of-memory issue' };
				Object.assign(task, { executionStatus: 'crashed', error });
				resultData.error = { message: 'Workflow did not finish, possible out-of-memory issue' };
			}
			resultData.runData[name] = [task];
			resultData.lastNodeExecuted = name;
		}
		row.data = data;
		this.end(row, 'crashed');
	}

	private end(row: Row, status: Status): void {
		this.witness.note(() => `execution ${row.id} is stored as ${status}`);
		row.status = status;
		if (status !== 'waiting') row.endedAt = Date.now();
	}

	// Executions.

	private startExecution(data: RunData, mode: string): void {
		const row: Row = {
			id: String(1000 + this.rows.length),
			status: 'running',
			data: stored(data),
			mode,
			startedAt: Date.now(),
			events: [],
			// 2.41 stores a manual run without its stack, until it sleeps or ends.
			isBare: this.isNew && mode === 'manual',
			hasJob: false,
			stalls: 0,
		};
		this.rows.push(row);
		this.launch(row, row.mode, row.data, 'start');
	}

	/**
	 * n8n's `WorkflowRunner.run`: the main process runs it itself, with the data that it has at hand; in queue mode, a
	 * worker runs it with the data of the database.
	 */
	private launch(row: Row, mode: string, data: RunData, cause: string): void {
		const isChild = mode === CHILD && cause === 'start';
		if (this.isQueue && isChild) this.runChild(row, data);
		else if (this.isQueue && mode !== 'manual') this.startJob(row, cause);
		else if (this.main) this.run(this.main, row, mode, data, cause);
	}

	/** n8n's `executeWorkflow`: a sub-workflow runs where its parent does. */
	private runChild(row: Row, data: RunData): void {
		const [worker] = this.workers;
		if (worker) this.run(worker, row, CHILD, data, 'start');
		else this.later(1_000, () => this.runChild(row, data));
	}

	/** A worker takes the job of an execution. */
	private startJob(row: Row, cause: string): void {
		const worker = this.workers[this.jobs++ % Math.max(1, this.workers.length)];
		if (!worker) {
			this.later(1_000, () => this.startJob(row, cause));
			return;
		}
		if (row.status === 'crashed') return;
		row.status = 'running';
		row.hasJob = true;
		this.run(worker, row, row.mode, row.data, cause);
	}

	private run(process: Process, row: Row, mode: string, data: RunData, cause: string): void {
		this.witness.note(() => `execution ${row.id} runs (${cause})`);
		const stop = new AbortController();
		const running: Running = { process, row, data: stored(data), mode, stop, cause };
		this.running.add(running);
		this.pending++;
		if (this.scenario.timeout !== undefined) {
			setTimeout(() => this.cancel(running), this.scenario.timeout * 1000);
		}
		void this.finish(running);
	}

	private async finish(running: Running): Promise<void> {
		try {
			const status = await this.engine.run(running);
			// What was cancelled was stored when it was.
			if (!running.stop.signal.aborted) await this.save(running, status);
		} catch (error) {
			this.fail(error);
		} finally {
			if (this.running.delete(running)) {
				this.pending--;
				running.row.hasJob = this.isRunning(running.row);
			}
		}
		this.considerRetry();
	}

	/** The end of an execution, or its sleep, as n8n's hook `workflowExecuteAfter` stores it. */
	private async save(running: Running, status: Status): Promise<void> {
		const { process, row, data, mode } = running;
		const written = stored(data);
		const { waitTill } = data;
		if (!(await survives(process))) return;
		const isHeld =
			this.isNew && row.status === 'canceled' && !(this.isQueue && status === 'canceled');
		if (isHeld) return;
		row.data = written;
		// 2.41 stores a retry that could not begin without anything that could run.
		row.isBare = status === 'error' && written.executionData.nodeExecutionStack.length === 0;
		row.mode = mode;
		row.waitTill = status === 'waiting' ? waitTill : undefined;
		this.end(row, status);
		await survives(process);
	}

	/** Stop, or the time-out: the execution ends in memory, and is stored as it is there. */
	private cancel(running: Running): void {
		if (!this.running.has(running) || running.stop.signal.aborted) return;
		running.stop.abort();
		this.pending++;
		void this.held(async () => await this.save(running, 'canceled'));
	}

	// Workers that are lost, or held for lost.

	/** The job of an execution has stalled: its worker was killed. */
	private async loseJob(row: Row): Promise<void> {
		if (this.isRunning(row)) return;
		row.hasJob = false;
		if (row.status !== 'running') return;
		// 1.88 gives a job to another worker once.
		if (!this.isNew && row.stalls++ === 0) this.startJob(row, 'stalled');
		else await this.failJob(row);
	}

	/** n8n holds a worker for gone that goes on all the same. */
	private async stall(): Promise<void> {
		const stalled = [...this.running].find(({ process }) => process.role === 'worker');
		if (!stalled) return;
		const { row } = stalled;
		this.witness.note(() => `the worker of execution ${row.id} is held for gone`);
		if (!this.isNew && row.stalls++ === 0) this.startJob(row, 'stalled');
		else await this.failJob(row);
	}

	/** n8n's `WorkflowRunner.processError` in the main process: the execution is stored anew, with nothing in it. */
	private async failJob(row: Row): Promise<void> {
		if (this.isNew) await pause(STALLED_MS);
		row.hasJob = false;
		if (!this.main || !(await survives(this.main))) return;
		if (this.isNew ? row.status !== 'running' : row.status === 'success') return;
		row.data = emptyRunData(this.isNew ? 'of-no-use' : undefined);
		row.data.resultData.error = { message: 'job stalled more than maxStalledCount' };
		row.waitTill = undefined;
		this.end(row, 'error');
		this.considerRetry();
	}

	// Sleeping executions.

	/** n8n's `WaitTracker`: once a minute it sets a timer for each execution that is due within the next 70 s. */
	private track(main: Process): void {
		const tick = () => {
			if (!main.isAlive) return;
			const soon = Date.now() + 70_000;
			for (const row of this.rows) {
				const { status, waitTill = Infinity, id } = row;
				if (status !== 'waiting' || waitTill > soon || main.timers.has(id)) continue;
				main.timers.add(id);
				setTimeout(() => void this.wakeByTimer(main, row), Math.max(0, waitTill - Date.now()));
			}
			setTimeout(tick, 60_000);
		};
		tick();
	}

	private async wakeByTimer(main: Process, row: Row): Promise<void> {
		if (!main.isAlive || !main.timers.delete(row.id)) return;
		if (row.status === 'success') return;
		const data = stored(row.data);
		const { mode } = row;
		await main.step();
		await this.claim(main, row, data, mode, 'timer');
	}

	/** n8n's `ActiveExecutions.add`: writes the data that it was given. */
	private async claim(
		process: Process,
		row: Row,
		data: RunData,
		mode: string,
		cause: string,
	): Promise<void> {
		// 1.88 asks for no status: it lets through whatever has been read as waiting.
		if (this.isNew && row.status !== 'waiting') return;
		// n8n's timer asks for the status, and not whether it is another sleep by now. The node is not asked.
		if (this.isNew && cause === 'timer' && sleepOf(data) !== sleepOf(row.data)) {
			this.witness.overtaken.push(row.id);
		}
		if (row.endedAt !== undefined) this.witness.revived.push(row.id);
		row.status = 'running';
		row.waitTill = undefined;
		row.data = stored(data);
		this.pending++;
		try {
			if (await survives(process)) this.launch(row, mode, data, cause);
			// The process has claimed it and is gone: the main process finds it one day.
			else if (process.role === 'webhook') this.later(RECOVERY_EVERY_MS, () => this.recoverAll());
		} finally {
			this.pending--;
		}
	}

	private planCallbacks(task: Task, url: string | undefined): void {
		const id = url && executionOf(url);
		if (id === undefined || id === '') return;
		const fate = this.scenario.callbacks[this.callbacks++] ?? ON_TIME;
		const { seconds, end } = task.fate;
		const at = (ms: number, body: () => string, how = fate) =>
			setTimeout(() => void this.callWebhook(id, body(), how), ms);
		const honest = () => this.provider.callbackBody(task);
		const forged = () =>
			JSON.stringify({
				task_id: task.id,
				status: 'COMPLETED',
				generated: ['https://evil.example/x.mp4'],
			});
		if (fate.kind === 'early') at(fate.ms, forged);
		if (fate.kind === 'forged') at(20_000 + fate.ms, forged);
		if (fate.kind === 'never' || end === 'never') return;
		at(seconds * 1000 + fate.ms, honest);
		// Another process takes the second one, and may be faster.
		if (fate.kind === 'double') at(seconds * 1000 + fate.ms + 1, honest, ON_TIME);
	}

	/** n8n's `WaitingWebhooks.executeWebhook`: a call of the resume URL. */
	private async callWebhook(
		id: string,
		body: string,
		{ reading, claiming }: CallbackFate,
	): Promise<void> {
		const { witness } = this;
		// Calls come to one process and another.
		const receiver = this.calls++ % 2 === 0 ? (this.webhook ?? this.main) : this.main;
		const row = this.rows.find((each) => each.id === id);
		if (!receiver || !row) return;
		const data = stored(row.data);
		const { resultData, executionData } = data;
		const isRefused =
			row.status === 'running' || row.status === 'success' || resultData.error !== undefined;
		const runs = resultData.runData[resultData.lastNodeExecuted ?? ''];
		const [entry] = executionData.nodeExecutionStack;
		if (isRefused || !runs || !entry) {
			witness.answers.push(409);
			return;
		}
		witness.note(() => `a callback reaches execution ${id}`);
		entry.node.disabled = true;
		data.waitTill = undefined;
		runs.pop();
		if (reading > 0) await pause(reading);
		await receiver.step();
		const context = webhookContext(this.world, { process: receiver, row, data, body });
		const result = await receiver.node.resume.resume(context);
		if (!receiver.isAlive || !result.workflowData) return;
		const isTimed = [...this.running].some((each) => each.row === row && each.cause === 'timer');
		if (claiming > 0) await pause(claiming);
		await receiver.step();
		const isOld = this.isNew && row.status === 'waiting' && sleepOf(data) !== sleepOf(row.data);
		// While a turn runs that n8n's timer has begun, the database shows the sleep before it.
		if (isOld) witness[isTimed ? 'overtaken' : 'stale'].push(id);
		entry.data.main = result.workflowData;
		entry.metadata = { ...entry.metadata, forwardAllOutputs: true };
		await this.claim(receiver, row, data, this.isNew ? row.mode : 'webhook', 'call');
	}

	// The person.

	/** n8n's `ExecutionService.stop`. */
	private async pressStop(): Promise<void> {
		const { main } = this;
		const row = this.rows.at(-1);
		if (!main || !row || (row.status !== 'running' && row.status !== 'waiting')) return;
		this.witness.note(() => 'a person presses Stop');
		const written = stored(row.data);
		if (!(await survives(main))) return;
		for (const running of this.running) if (running.row === row) this.cancel(running);
		main.timers.delete(row.id);
		if (!(await survives(main))) return;
		// `stopDuringRun`: what was read before is written back, with an error.
		written.resultData.error = { message: 'The execution was cancelled manually' };
		row.data = written;
		row.waitTill = undefined;
		this.end(row, 'canceled');
		this.considerRetry();
	}

	/** As long as anything runs, sleeps, or is to begin again, there is nothing to retry. */
	private considerRetry(): void {
		const newest = this.rows.at(-1) as Row;
		const hasFailed = ['error', 'crashed', 'canceled'].includes(newest.status);
		if (
			!hasFailed ||
			newest.isBare ||
			this.isRetrying ||
			this.running.size > 0 ||
			this.retriesLeft === 0
		)
			return;
		this.retriesLeft--;
		this.isRetrying = true;
		this.later(PERSON_MS, () => this.retry(newest));
	}

	/** n8n's `ExecutionService.retry`. */
	private retry(failed: Row): void {
		if (!this.main) {
			this.later(PERSON_MS, () => this.retry(failed));
			return;
		}
		this.isRetrying = false;
		if (this.scenario.mode === 'subWorkflow') {
			this.witness.note(() => `a person retries the parent of execution ${failed.id}`);
			this.witness.retries.push(Date.now());
			this.startExecution(this.world.workflow.start(), CHILD);
			return;
		}
		const data = stored(failed.data);
		const { resultData, executionData } = data;
		const last = resultData.lastNodeExecuted;
		if (last !== undefined) {
			delete resultData.error;
			const runs = resultData.runData[last];
			if (runs?.at(-1)?.error !== undefined) runs.pop();
		}
		this.witness.note(() => `a person retries execution ${failed.id}`);
		if (this.scenario.loadWorkflow) {
			for (const entry of executionData.nodeExecutionStack) {
				if (entry.node.name === NODE) entry.node = this.world.workflow.kling();
			}
		}
		this.witness.retries.push(Date.now());
		this.startExecution(data, 'retry');
	}
}

async function pause(ms: number): Promise<void> {
	await new Promise((goOn) => setTimeout(goOn, ms));
}

/** One step of a process. @returns whether it is still there after it */
async function survives(process: Process): Promise<boolean> {
	const { signal } = process.ended;
	if (!process.isAlive) return false;
	const killed = new Promise<void>((goOn) => {
		signal.addEventListener('abort', () => goOn(), { once: true });
	});
	await Promise.race([process.step(), killed]);
	return process.isAlive;
}

/** The node's own name of the sleep that an execution is in. */
function sleepOf(data: RunData): string | undefined {
	const record = contextOf(data, NODE).klingRecord as { sleep?: { id: string } } | undefined;
	return record?.sleep?.id;
}
