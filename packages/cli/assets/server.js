import express from 'express';
import { paywall } from '@agentpay/paywall';

const { PAY_TO, PRICE, NETWORK, FACILITATOR_URL, PORT = '3000' } = process.env;

const pay = paywall({
  payTo: PAY_TO,
  network: NETWORK,
  facilitator: FACILITATOR_URL,
  onSettled: ({ route, amount, payer }) => console.log(`paid $${amount} for ${route} by ${payer}`),
});

const app = express();
app.use(pay.discovery({ app, title: 'Weather' }));
app.get('/weather', pay.charge({ price: PRICE, description: 'The weather of now' }), (req, res) => {
  res.json({ sky: 'blue', celsius: 21 });
});

const server = app.listen(Number(PORT), () => {
  console.log(
    `Selling http://localhost:${server.address().port}/weather for ${PRICE}, paid to ${PAY_TO}, settled by ${FACILITATOR_URL}`,
  );
});
