import type {
	IExecuteData,
	IExecuteFunctions,
	INode,
	INodeExecutionData,
	IRunExecutionData,
	ITaskData,
	IWebhookFunctions,
} from 'n8n-workflow';
import { NodeHelpers } from 'n8n-workflow';
import { asArray, asObject } from '../util/unknown';

/**
 * The only place for properties and habits of n8n that it does not document. Each function says on which
 * versions it was tried, and what happens where n8n does not offer it. Tried with real servers of
 * n8n 1.88.0 and 2.41.1.
 */

/** The parts of n8n's contexts that its types do not show. */
interface Hidden {
	runExecutionData?: IRunExecutionData;
	additionalData?: {
		getRunExecutionData?(executionId: string): Promise<IRunExecutionData | undefined>;
	};
	workflow?: {
		nodes?: Record<string, INode>;
		connectionsByDestinationNode?: Record<string, unknown>;
		getParentNodes?(name: string): string[];
		expression?: { releaseIsolate?(): Promise<void> };
	};
}

type Context = IExecuteFunctions | IWebhookFunctions;

const hidden = (context: unknown) => context as Hidden;

/**
 * Lets the execution sleep in n8n's database, and be run again from this node on: with the same input,
 * run index, paired items and node context. n8n passes through whatever waits with an execution, so the
 * node puts its own entry below that.
 * 1.88.0 and 2.41.1. Where the stack is missing, `canRunAgain` says so, and the node waits awake.
 * @param until when n8n continues the execution; exact from 65 s on, a shorter sleep ends up to a minute late
 */
export async function sleepAndRunAgain(context: IExecuteFunctions, until: Date): Promise<void> {
	const entry = context.getExecuteData();
	// n8n's storage keeps shared references, and n8n disables the node of the entry that waits: a copy.
	stackOf(context)?.unshift({ ...entry, node: { ...entry.node } });
	entry.node = { ...entry.node, alwaysOutputData: false };
	entry.data = { main: [] };
	storeAsStart(context, entry);
	await context.putExecutionToWait(until);
}

/**
 * Lets n8n store the entry that waits as one of the node that started the execution. "Retry execution" with
 * the workflow as it is now takes each entry's node from that workflow, by its name: were both entries of
 * this node, n8n would disable it for the whole execution, and pass its input on in place of its output.
 * 1.88.0 and 2.41.1; where there is no such node, such as in the test of a single step, n8n stores the entry as it is.
 */
function storeAsStart(context: IExecuteFunctions, entry: IExecuteData): void {
	const start = startNodeOf(context);
	if (!start) return;
	const { data, source, metadata } = entry;
	// In the editor, the start node does not appear as running again.
	const stored = { node: start, data, source, metadata: { ...metadata, nodeWasResumed: true } };
	// Only for n8n's storage: until then, n8n takes the name of the node that waits from the entry.
	Object.defineProperty(entry, 'toJSON', { value: () => ({ ...stored, node: { ...start } }) });
}

/** @returns a node that this one follows, and that follows no other: n8n does not run it again */
function startNodeOf(context: IExecuteFunctions): INode | undefined {
	const { workflow } = hidden(context);
	const { nodes = {}, connectionsByDestinationNode = {} } = workflow ?? {};
	return workflow
		?.getParentNodes?.(context.getNode().name)
		.filter((name) => !(name in connectionsByDestinationNode))
		.map((name) => nodes[name])
		.at(0);
}

/** @returns whether `sleepAndRunAgain` finds all it needs */
export function canRunAgain(context: IExecuteFunctions): boolean {
	const host = context as Partial<IExecuteFunctions>;
	return (
		stackOf(context) !== undefined &&
		host.getExecuteData !== undefined &&
		host.putExecutionToWait !== undefined
	);
}

function stackOf(context: IExecuteFunctions): IExecuteData[] | undefined {
	return hidden(context).runExecutionData?.executionData?.nodeExecutionStack;
}

/**
 * Reads the node context of a sleeping execution as n8n's database has it now; it is empty where a call continues it.
 * 2.41.1; where n8n does not give it, undefined.
 */
export async function storedContext(
	context: IWebhookFunctions,
): Promise<Record<string, unknown> | undefined> {
	const { additionalData } = hidden(context);
	const executionId = context.getExecutionId();
	const data = await additionalData?.getRunExecutionData?.(executionId);
	if (!data?.executionData) return undefined;
	// A call takes it away when it continues the execution. n8n's timer leaves it there.
	if (!data.waitTill) return {};
	return NodeHelpers.getContext(data, 'node', context.getNode());
}

/**
 * The node context of an execution that waits, as n8n has read it for a call of its resume URL. Changes
 * to it are there when that call continues the execution.
 * 1.88.0 and 2.41.1; where n8n does not give it, undefined.
 */
export function waitingContext(context: IWebhookFunctions): Record<string, unknown> | undefined {
	const { runExecutionData } = hidden(context);
	if (!runExecutionData?.executionData) return undefined;
	return NodeHelpers.getContext(runExecutionData, 'node', context.getNode());
}

/**
 * A text that "Retry execution" takes over from the execution that it retries: the token of the resume
 * URL. No other execution has it.
 * 2.41.1; on 1.88.0 there is none, and undefined is returned.
 */
export function lineage(context: IExecuteFunctions): string | undefined {
	const { resumeToken } = asObject(hidden(context).runExecutionData);
	return typeof resumeToken === 'string' && resumeToken !== '' ? resumeToken : undefined;
}

/**
 * The output of the node that started the execution: the nearest to a lineage where n8n has none.
 * 1.88.0 and 2.41.1; an empty list where the run data cannot be read.
 */
export function startingItems(context: IExecuteFunctions): unknown[] {
	const { runData = {} } = hidden(context).runExecutionData?.resultData ?? {};
	const runs = Object.values(runData).flatMap((list) =>
		list.filter((run) => !isMadeUp(run)).slice(0, 1),
	);
	// A node may begin and end within a millisecond.
	const [first] = runs.sort(
		(a, b) => a.startTime - b.startTime || a.executionIndex - b.executionIndex,
	);
	return asArray(first?.data?.main?.[0]).map((item) => (item as INodeExecutionData).json);
}

/** After a crash, n8n puts a run that it knows from its event log alone into the run data, before any real one. */
function isMadeUp({ data, executionStatus }: ITaskData): boolean {
	const [item] = asArray(data?.main?.[0]);
	const { isArtificialRecoveredEventItem } = asObject(asObject(item).json);
	return executionStatus === 'crashed' || isArtificialRecoveredEventItem === true;
}

/** The trigger types that can keep a caller until the workflow has ended, by the end of their names. */
const ANSWERING = /\.(webhook|formTrigger|chatTrigger|mcpTrigger)$/;

/**
 * Whether a person or a program waits for the answer of this execution. While an execution sleeps, n8n
 * answers such a caller at once, and empty.
 * 1.88.0 and 2.41.1; where n8n does not tell the parent nodes, a webhook execution counts as waited for.
 */
export function isAwaitedByCaller(context: IExecuteFunctions): boolean {
	const mode: string = context.getMode();
	if (['integrated', 'chat', 'cli', 'evaluation', 'agent'].includes(mode)) return true;
	if (mode !== 'webhook') return false;
	try {
		const parents = context.getParentNodes(context.getNode().name, { includeNodeParameters: true });
		return parents
			.filter(({ type }) => ANSWERING.test(type))
			.some(
				({ type, parameters }) =>
					!/\.(webhook|formTrigger)$/.test(type) || isAwaiting(context, parameters),
			);
	} catch {
		return true;
	}
}

/** @param parameters of a trigger whose default is to answer at once */
function isAwaiting(context: IExecuteFunctions, parameters: unknown): boolean {
	const { responseMode = 'onReceived' } = asObject(parameters);
	if (responseMode === 'onReceived') return false;
	return responseMode !== 'responseNode' || !hasResponded(context);
}

/** Whether a Respond to Webhook node has answered the caller before this node was reached. */
function hasResponded(context: IExecuteFunctions): boolean {
	const { runExecutionData, workflow } = hidden(context);
	const runData = runExecutionData?.resultData?.runData ?? {};
	return Object.entries(runData).some(
		([name, runs]) =>
			/\.respondToWebhook$/.test(workflow?.nodes?.[name]?.type ?? '') &&
			runs.some(({ executionStatus }) => executionStatus === 'success'),
	);
}

/**
 * The same context for a request that Stop must not cut off. n8n takes the signal from the context, so it
 * is given one without.
 * 1.88.0 and 2.41.1; on an n8n without such a signal nothing changes.
 */
export function withoutCancelSignal<T extends object>(context: T): T {
	return Object.create(context, {
		getExecutionCancelSignal: { value: () => undefined },
	}) as T;
}

/**
 * The same context for a request that the signal ends as well as Stop does: n8n takes the signal of such a request
 * from the context, and passes over the `abortSignal` of the request itself.
 * 1.88.0 and 2.41.1.
 */
export function endedBy<T extends object>(context: T, signal: AbortSignal): T {
	const host = context as Partial<IExecuteFunctions>;
	return Object.create(context, {
		getExecutionCancelSignal: {
			value: () => {
				const stop = host.getExecutionCancelSignal?.();
				return stop ? AbortSignal.any([stop, signal]) : signal;
			},
		},
	}) as T;
}

/**
 * Gives back the sandbox for expressions that n8n holds for each call of a webhook until the call ends,
 * 11 MB. A node that evaluates no further expression in the call needs none.
 * 2.41.1; where there is none, nothing happens.
 */
export async function releaseSandbox(context: IWebhookFunctions): Promise<void> {
	await hidden(context).workflow?.expression?.releaseIsolate?.();
}

/**
 * Before 2.36, n8n sorts a failed item onto the error output by a property `error` alone. Copied on, it
 * would replace the details, so it cannot be seen. n8n copies failed items only where a node ran before.
 */
export function markForErrorOutput(
	context: Context,
	item: INodeExecutionData,
	error: () => Error,
): void {
	const node: INode = context.getNode();
	const hasSource = 'getExecuteData' in context && context.getExecuteData().source !== null;
	if (node.onError !== 'continueErrorOutput' || !hasSource) return;
	Object.defineProperty(item, 'error', { value: error(), enumerable: false, writable: true });
}

/** The Readable that n8n's store takes; its type is not exported by name. */
export type ByteStream = Exclude<
	Parameters<IExecuteFunctions['helpers']['prepareBinaryData']>[0],
	Buffer
>;

/**
 * Lets a stream from n8n's store begin at a later byte. n8n hands files out from their start only; those on
 * its disk come as Node's own streams, which read from where `pos` says.
 * 1.88.0 and 2.41.1, mode `filesystem`; elsewhere nothing happens. Covered by `test/media.sources.test.mts`.
 * @param stream that nothing was read from yet
 * @returns whether it begins there
 */
export function startAt(stream: ByteStream, offset: number): boolean {
	const file = stream as ByteStream & { fd?: unknown; pos?: number; bytesRead?: number };
	if (!('fd' in file && 'pos' in file) || file.bytesRead !== 0) return false;
	file.pos = offset;
	return true;
}

/**
 * Makes a Readable of chunks, as `newByteStream` does.
 * @param sample any stream that n8n has given
 * @param chunks read as fast as the reader of the stream takes them; an error ends the stream with it
 */
export function streamOf(sample: ByteStream, chunks: AsyncIterable<Buffer>): ByteStream {
	return readableLike(sample).from(chunks, { objectMode: false });
}

/**
 * Makes a Readable of our own for n8n's store. Nodes may not import `node:stream`, so the class is
 * found through a body that n8n's request helper has streamed: that is a Readable, or of a class that
 * inherits the static `Readable.from`, which makes a plain Readable whatever it is called on.
 * 1.88.0 and 2.41.1; where the body is no such stream, it throws: the item then comes out with its link
 * and a hint. Covered by every download in `test/download.test.mts`.
 * @param body of an answer that was asked for with `encoding: 'stream'`
 * @param read called whenever the reader wants more
 */
export function newByteStream(body: ByteStream, read: () => void): ByteStream {
	const Readable = readableLike(body).from([]).constructor;
	return new (Readable as new (options: { read(): void }) => ByteStream)({ read });
}

interface ReadableClass {
	from(chunks: AsyncIterable<Buffer> | Buffer[], options?: { objectMode: boolean }): ByteStream;
}

function readableLike({ constructor }: ByteStream): ReadableClass {
	if ('from' in constructor) return constructor as unknown as ReadableClass;
	throw new Error('this version of n8n streams no answers');
}
