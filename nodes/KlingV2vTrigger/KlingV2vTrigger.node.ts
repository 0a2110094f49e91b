import { NodeConnectionTypes, NodeOperationError } from 'n8n-workflow';
import type {
	IExecuteFunctions,
	IHookFunctions,
	INodeExecutionData,
	INodeType,
	INodeTypeDescription,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';
import { refuse, start } from './answer';
import { bringVideos } from './bringVideos';
import { memoryOf } from './memory';
import { properties } from './properties';
import { readSecret, receive } from './receive';
import { broken, secretMissing } from './replies';
import { readSettings } from './settings';

export class KlingV2vTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Kling V2V Trigger',
		name: 'klingV2vTrigger',
		icon: { light: 'file:../../icons/kling.svg', dark: 'file:../../icons/kling.dark.svg' },
		group: ['trigger'],
		version: 1,
		subtitle:
			'={{ $parameter["provider"] === "muleRouter" ? "MuleRouter" : "Magnific" }}: {{ $parameter["events"].join(", ") }}',
		description: 'Start a workflow when a Kling video is finished or has failed',
		eventTriggerDescription: 'Waiting for the provider to report a task',
		activationMessage: 'Each callback of the provider about a task now starts this workflow.',
		defaults: { name: 'Kling V2V Trigger' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials: [
			{
				name: 'magnificApi',
				required: true,
				displayOptions: { show: { provider: ['magnific'] } },
			},
			{
				name: 'muleRouterApi',
				required: true,
				displayOptions: { show: { provider: ['muleRouter'] } },
			},
		],
		webhooks: [
			{
				name: 'default',
				httpMethod: 'POST',
				responseMode: 'onReceived',
				// Without this, n8n sends its own word for "the first item" as the answer.
				responseData: 'noData',
				path: 'webhook',
			},
		],
		properties,
	};

	/** Neither provider lets a program register the URL: the user enters it. */
	webhookMethods = {
		default: {
			async checkExists(this: IHookFunctions): Promise<boolean> {
				const { provider, isSigned } = readSettings(this);
				const isWatched = this.getActivationMode() === 'manual';
				// Whoever listens for a test event would wait in vain.
				if (isWatched && isSigned && (await readSecret(this, provider)) === '') {
					throw new NodeOperationError(this.getNode(), secretMissing(provider));
				}
				return true;
			},
			async create(): Promise<boolean> {
				return true;
			},
			async delete(): Promise<boolean> {
				return true;
			},
		},
	};

	/** Says what a callback starts; n8n answers the caller before the execution does its work. */
	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		const memory = memoryOf(this);
		const result = await receive(this, memory).catch(broken);
		return 'task' in result ? start(this, result, memory) : refuse(this, result, memory);
	}

	/** The execution's own part. */
	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return [await bringVideos(this)];
	}
}
