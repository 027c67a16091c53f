Console.WriteLine("steadycast");
