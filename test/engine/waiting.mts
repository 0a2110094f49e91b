import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebhookContext } from 'n8n-core';
import type {
	INode,
	INodeType,
	IRunExecutionData,
	IWorkflowExecuteAdditionalData,
} from 'n8n-workflow';
import { Workflow } from 'n8n-workflow';
import { parse, stringify } from 'flatted';
import { readAsN8n } from './body.mts';
import type { Result, RunOptions } from './engine.mts';
import { Credentials, execute, nodeTypes, withCredentials } from './engine.mts';
import { until } from './until.mts';

/**
 * n8n's handling of waiting executions, as its server does it: the execution is stored, a call of the
 * resume URL is given to the node's webhook, and what that returns continues the execution - once,
 * whoever comes first. `expire` stands for n8n's timer.
 */

interface Stored {
	options: RunOptions;
	/** As in n8n's database: text, so that nothing is shared between the processes. */
	data: string;
	status: 'running' | 'waiting' | 'ended';
}

export class WaitingServer {
	/** How each execution ended. */
	readonly ended = new Map<string, Result>();

	/** Calls that were answered, and with what. */
	readonly answers: number[] = [];

	/** What continued an execution that had been continued already. */
	refused = 0;

	/** The longest that a caller has waited for its answer, in milliseconds. */
	slowest = 0;

	/** Until n8n has a turn for an execution that is to be continued. */
	turn = async (): Promise<void> => {};

	private readonly inDatabase = new Map<string, string>();

	private readonly stored = new Map<string, Stored>();

	private calls = 0;

	private readonly underWay = new Set<Promise<void>>();

	private constructor(
		private readonly server: Server,
		private readonly processes: INodeType[],
	) {}

	/** @param processes the node as each n8n process has loaded it; calls go to them in turn */
	static async open(processes: INodeType[]): Promise<WaitingServer> {
		const server = createServer();
		const waiting = new WaitingServer(server, processes);
		server.on('request', (request, response) => {
			const call = waiting.serve(request, response);
			waiting.underWay.add(call);
			void call.finally(() => waiting.underWay.delete(call));
		});
		await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
		return waiting;
	}

	get url(): string {
		return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
	}

	async close(): Promise<void> {
		await Promise.all(this.underWay);
		this.server.closeAllConnections();
		await new Promise((closed) => this.server.close(closed));
	}

	/** Runs a workflow until it ends or waits. */
	async run(executionId: string, options: RunOptions): Promise<Result> {
		const complete = { ...options, executionId, waitingUrl: this.url };
		this.stored.set(executionId, { options: complete, data: '', status: 'running' });
		return this.store(executionId, await execute({ ...complete, leaveAsleep: true }));
	}

	/** When the execution would be continued without a call. */
	deadline(executionId: string): Date | undefined {
		const data = this.load(executionId);
		return data?.waitTill ? new Date(data.waitTill) : undefined;
	}

	/** n8n's clock has reached the deadline. */
	async expire(executionId: string): Promise<Result> {
		const data = this.load(executionId);
		if (!data) throw new Error(`${executionId} does not wait`);
		return await this.continue(executionId, data);
	}

	/** What was in n8n's database when an execution had just been continued. */
	resumed(executionId: string): IRunExecutionData {
		return parse(this.inDatabase.get(executionId) as string) as IRunExecutionData;
	}

	/** @returns the end of an execution, however it comes about */
	async end(executionId: string): Promise<Result> {
		await until(() => this.ended.has(executionId), `${executionId} ends`);
		return this.ended.get(executionId) as Result;
	}

	/** What is stored of an execution that waits. */
	private load(executionId: string): IRunExecutionData | undefined {
		const isWaiting = this.stored.get(executionId)?.status === 'waiting';
		return isWaiting ? this.read(executionId) : undefined;
	}

	/** What is stored of an execution. */
	private read(executionId: string): IRunExecutionData | undefined {
		const data = this.stored.get(executionId)?.data;
		return data ? (parse(data) as IRunExecutionData) : undefined;
	}

	private store(executionId: string, result: Result): Result {
		const stored = this.stored.get(executionId) as Stored;
		if (result.run.data.waitTill) {
			stored.status = 'waiting';
			stored.data = stringify(result.run.data);
		} else {
			stored.status = 'ended';
			this.ended.set(executionId, result);
		}
		return result;
	}

	private async continue(executionId: string, data: IRunExecutionData): Promise<Result> {
		const stored = this.stored.get(executionId) as Stored;
		stored.status = 'running';
		stored.data = stringify(data);
		this.inDatabase.set(executionId, stored.data);
		return this.store(
			executionId,
			await execute({ ...stored.options, resume: data, leaveAsleep: true }),
		);
	}

	private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const begun = Date.now();
		response.on('finish', () => {
			this.answers.push(response.statusCode);
			this.slowest = Math.max(this.slowest, Date.now() - begun);
		});
		const executionId = (request.url ?? '').split('?')[0].slice(1);
		const stored = this.stored.get(executionId);
		const data = this.load(executionId);
		// What comes before the execution waits is lost, at n8n as here.
		if (!stored || !data) {
			response.writeHead(stored ? 409 : 404).end();
			return;
		}
		const nodeType = this.processes[this.calls++ % this.processes.length];
		const { nodes, connections = {}, credentials } = stored.options;
		const [entry] = data.executionData?.nodeExecutionStack ?? [];
		const { lastNodeExecuted = '' } = data.resultData;
		entry.node.disabled = true;
		data.waitTill = undefined;
		data.resultData.runData[lastNodeExecuted]?.pop();
		const workflow = new Workflow({
			id: 'workflow',
			name: 'Test',
			nodes: nodes.map((each) => withCredentials(each, credentials)),
			connections,
			active: true,
			nodeTypes: nodeTypes as never,
			settings: { executionOrder: 'v1' },
		});
		const node = workflow.getNode(lastNodeExecuted) as INode;
		const httpRequest = await readAsN8n(request, workflow, node);
		const additionalData = {
			credentialsHelper: new Credentials(credentials),
			executionId,
			webhookWaitingBaseUrl: this.url,
			formWaitingBaseUrl: this.url,
			variables: {},
			getRunExecutionData: async (id: string) => this.read(id),
			httpRequest,
			httpResponse: withExpress(response),
		} as unknown as IWorkflowExecuteAdditionalData;
		const context = new WebhookContext(
			workflow,
			node,
			additionalData,
			'trigger',
			{ webhookDescription: { name: 'default' } } as never,
			[],
			data,
		);
		const result = await nodeType.webhook?.call(context);
		if (!result?.noWebhookResponse && !response.writableEnded) response.end('{}');
		if (!result?.workflowData) return;
		await this.turn();
		if (stored.status !== 'waiting') {
			this.refused++;
			return;
		}
		entry.data.main = result.workflowData;
		entry.metadata = { ...entry.metadata, forwardAllOutputs: true } as typeof entry.metadata;
		await this.continue(executionId, data);
	}
}

/** As much of express as nodes use. */
function withExpress(response: ServerResponse) {
	return Object.assign(response, {
		status(code: number) {
			response.statusCode = code;
			return response;
		},
		json(body: unknown) {
			response.setHeader('content-type', 'application/json');
			response.end(JSON.stringify(body));
			return response;
		},
	});
}
