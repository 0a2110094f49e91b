import { createRequire } from 'node:module';
import path from 'node:path';
import { Agent } from './agent.mts';
import type { AgentCall } from './agent.mts';
import type { Item, RunData, Row, ShownError, StackEntry, Status } from './data.mts';
import { executeContext } from './nodeContext.mts';
import type { Surroundings } from './nodeContext.mts';
import { never } from './process.mts';
import type { Process } from './process.mts';
import { AGENT, NODE, roundOf } from './workflow.mts';

const require = createRequire(path.join(process.cwd(), 'package.json'));
const { NodeOperationError } = require('n8n-workflow') as typeof import('n8n-workflow');

/** An execution in the memory of a process. */
export interface Running {
	readonly process: Process;
	readonly row: Row;
	readonly data: RunData;
	readonly mode: string;
	readonly stop: AbortController;
	/** Why this turn runs. */
	readonly cause: string;
}

/** How a call of the node ended. */
type Result = { output: Item[][] } | { error: ShownError };

/**
 * n8n's loop over its stack of nodes (`WorkflowExecute.processRunExecutionData`, n8n-core 2.41.1 and 1.87.0), for a
 * chain of nodes.
 */
export class Engine {
	constructor(private readonly world: Surroundings) {}

	/** @returns the status at the end */
	async run(running: Running): Promise<Status> {
		const { process, row, data, stop } = running;
		const { executionData, resultData } = data;
		const { runData } = resultData;
		// 2.41 looks for the first node before it runs any (`establishExecutionContext`).
		if (this.world.scenario.version === '2.41' && executionData.nodeExecutionStack.length === 0) {
			return 'error';
		}
		handleWaitingState(data);
		await process.step();
		while (executionData.nodeExecutionStack.length > 0) {
			if (stop.signal.aborted) return 'canceled';
			const entry = executionData.nodeExecutionStack.shift() as StackEntry;
			const { node } = entry;
			const runIndex = runData[node.name]?.length ?? 0;
			row.events.push({ node: node.name, kind: 'started', at: Date.now() });
			const task = { startTime: Date.now(), executionIndex: 0 };
			const result = await this.runNode(running, entry, runIndex);
			await process.step();
			if (!result) continue;
			let output: Item[][];
			resultData.lastNodeExecuted = node.name;
			runData[node.name] ??= [];
			if ('error' in result) {
				const { error } = result;
				if (node.onError === undefined || node.onError === 'stopWorkflow') {
					runData[node.name].push({ ...task, error, executionStatus: 'error' });
					resultData.error = error;
					executionData.nodeExecutionStack.unshift(entry);
					return stop.signal.aborted ? 'canceled' : 'error';
				}
				output = [entry.data.main[0]];
			} else ({ output } = result);
			runData[node.name].push({ ...task, data: { main: output } });
			if (data.waitTill) {
				executionData.nodeExecutionStack.unshift(entry);
				return 'waiting';
			}
			row.events.push({ node: node.name, kind: 'finished', at: Date.now() });
			executionData.nodeExecutionStack.push(...this.world.workflow.next(node.name, output));
		}
		return stop.signal.aborted ? 'canceled' : 'success';
	}

	/** @returns nothing where the node was passed over, and puts out nothing */
	private async runNode(
		running: Running,
		entry: StackEntry,
		runIndex: number,
	): Promise<Result | undefined> {
		const { node, data } = entry;
		if (node.disabled === true || data.main.length === 0) {
			return data.main.length > 0 ? { output: [data.main[0]] } : undefined;
		}
		if (node.name === AGENT) return await this.runAgent(running, runIndex);
		if (node.name === NODE) {
			const result = await this.tries(running, entry, runIndex);
			if (result && !running.data.waitTill) this.note(running, runIndex, result);
			return result;
		}
		return { output: await this.world.workflow.runOther(entry, running.data) };
	}

	/** The run has come to its end. */
	private note({ row }: Running, run: number, result: Result): void {
		const items = 'output' in result ? result.output.flat() : [];
		const error = 'error' in result ? result.error : undefined;
		this.world.witness.ended.push({ execution: row.id, run, items, error });
	}

	private async runAgent(running: Running, runIndex: number): Promise<Result> {
		const entryOf = (): StackEntry => ({
			node: this.world.workflow.kling(),
			data: { main: [[{ json: {} }]] },
			source: null,
		});
		const callNode = async (call: AgentCall) =>
			(await this.call(running, entryOf(), call.runIndex, call)).flat();
		const runNode = async (call: AgentCall) => {
			const result = await this.tries(running, entryOf(), call.runIndex, call);
			if (result && 'output' in result) return result.output.flat();
			// `aiToolDefaultsToContinue`: the agent reads the error.
			return [{ json: { error: result?.error.message ?? '' } }];
		};
		const output = [await new Agent(this.world).run(running, callNode, runNode)];
		if (running.data.waitTill) this.world.witness.faults.push("an agent's call sleeps");
		if (this.world.scenario.agentFails && running.mode !== 'retry') {
			return { error: { message: 'The model did not answer' } };
		}
		this.note(running, runIndex, { output });
		return { output };
	}

	/** Retry On Fail. */
	private async tries(
		running: Running,
		entry: StackEntry,
		runIndex: number,
		agentCall?: AgentCall,
	): Promise<Result | undefined> {
		const { node } = entry;
		const { process, data } = running;
		const { witness } = this.world;
		const isRetried = node.retryOnFail === true;
		const maxTries = isRetried ? Math.min(5, Math.max(2, Number(node.maxTries) || 3)) : 1;
		const pause = Math.min(5000, Math.max(0, Number(node.waitBetweenTries) || 1000));
		const wait = async () => await new Promise((goOn) => setTimeout(goOn, pause));
		const callNode = async () => await this.call(running, entry, runIndex, agentCall);
		const again = async () => {
			await wait();
			// The node has gone to sleep: what waits is passed through.
			return entry.data.main.length > 0 ? await callNode() : undefined;
		};
		let error: ShownError | undefined;
		for (let tryIndex = 0; tryIndex < maxTries; tryIndex++) {
			if (tryIndex > 0) await wait();
			try {
				error = undefined;
				let output: Item[][] | undefined =
					entry.data.main.length > 0 ? await callNode() : undefined;
				let isFailed = hasFailed(output);
				while (isFailed && tryIndex !== maxTries - 1) {
					const further = await again();
					// 1.88 runs all its tries, and puts out what the first one gave.
					if (this.world.scenario.version === '2.41') {
						output = further;
						isFailed = hasFailed(output);
					}
					tryIndex++;
				}
				if (output === undefined && !data.waitTill) return undefined;
				return { output: output ?? [] };
			} catch (thrown) {
				if (!process.isAlive) await never;
				error = shownError(thrown);
				witness.threw(error, roundOf(data), agentCall?.wish);
			}
		}
		return { error: error as ShownError };
	}

	private async call(
		running: Running,
		entry: StackEntry,
		runIndex: number,
		agentCall?: AgentCall,
	): Promise<Item[][]> {
		const { process, row, data, mode, stop, cause } = running;
		const { witness, scenario } = this.world;
		const turn = witness.turns.push({ execution: row.id, at: Date.now(), cause });
		const context = executeContext(this.world, {
			process,
			row,
			data,
			entry,
			runIndex,
			mode,
			turn,
			stop: stop.signal,
			wish: agentCall?.wish,
		});
		const output =
			scenario.node === 'generate'
				? [await process.node.generate.execute(context)]
				: await process.node.status.execute(context);
		if (!process.isAlive) await never;
		witness.putOut(output.flat(), roundOf(data), agentCall?.wish);
		return output;
	}
}

/** n8n's `handleWaitingState`: what waits is passed through, and its run is begun anew. */
function handleWaitingState(data: RunData): void {
	if (!data.waitTill) return;
	data.waitTill = undefined;
	const [entry] = data.executionData.nodeExecutionStack;
	entry.node.disabled = true;
	data.resultData.runData[data.resultData.lastNodeExecuted as string].pop();
}

function hasFailed(output: Item[][] | undefined): boolean {
	const error = output?.[0]?.[0]?.json.error;
	return error !== undefined && error !== null && error !== false;
}

function shownError(thrown: unknown): ShownError {
	if (!(thrown instanceof Error)) return { message: String(thrown) };
	const { message, stack } = thrown;
	const { description, context } = thrown as InstanceType<typeof NodeOperationError>;
	return { message, description: description ?? undefined, context, stack };
}
