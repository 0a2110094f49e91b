/** Parameters of a Generate node for each provider, and the provider's name in a title. */
export const PROVIDERS = [
	{ label: 'Magnific', parameters: { provider: 'magnific' } },
	{
		label: 'MuleRouter',
		parameters: { provider: 'muleRouter', endpoint: 'referenceVideoToVideo' },
	},
];
