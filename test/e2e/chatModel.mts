import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** The request to a model holds the conversation so far. */
interface Conversation {
	messages: Array<{ role: string; content?: unknown }>;
}

/** A chat model that calls a tool once, and then says what the tool has answered. */
export interface ChatModel {
	url: string;
	stop(): Promise<void>;
}

/**
 * Starts a model that speaks the API of OpenAI's chat completions.
 * @param tool the name by which n8n offers it
 * @param input what the tool is called with
 */
export async function startChatModel(
	tool: string,
	input: Record<string, unknown>,
): Promise<ChatModel> {
	const server = http.createServer(async (request, response) => {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk as Buffer);
		const { messages } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Conversation;
		const answer = messages.findLast(({ role }) => role === 'tool')?.content;
		const call = {
			id: 'call_1',
			type: 'function',
			function: { name: tool, arguments: JSON.stringify(input) },
		};
		const message =
			answer === undefined
				? { role: 'assistant', content: null, tool_calls: [call] }
				: { role: 'assistant', content: JSON.stringify(answer) };
		response.writeHead(200, { 'content-type': 'application/json' });
		response.end(
			JSON.stringify({
				id: 'chatcmpl-1',
				object: 'chat.completion',
				created: 0,
				model: 'model',
				choices: [
					{ index: 0, message, finish_reason: answer === undefined ? 'tool_calls' : 'stop' },
				],
				usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
			}),
		);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${port}/v1`,
		stop: async () => {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}
